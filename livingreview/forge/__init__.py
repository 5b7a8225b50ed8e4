"""What speaks to the code forge (GitHub) for the review: comments, pull requests and issues.

* ``folder`` and ``prose`` judge what a job without rights has made: an artifact is data of a stranger, and is read, never run;
* ``hub`` is the connection, and all that is written through it;
* ``review`` says how a pull request stands (``items``), and ``comment`` posts it;
* ``answer``, ``outputs`` and ``report`` are one command each; ``commands`` is the command line.
"""
