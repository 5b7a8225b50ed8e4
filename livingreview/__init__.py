"""A living review of the barriers to using large language models in clinical practice.

The package goes one way, and each module is one room of that way:

* evidence in: ``schema``, ``reading``, ``cells``, ``verdicts``, ``rows``, ``bibliography``, ``faults``, ``check``, ``evidence``;
* sent by people: ``contribute`` (a citation and a form or file become rows in their place; second readings);
* answers: ``effects``, ``pooling`` (on ``statistics``, which knows nothing of the review), ``questioning``, ``certainty``;
* over many questions: ``overview``, ``profile``, ``generations``, ``framework``, ``gaps``, ``impact`` (what a change does to the
  answers), ``history`` (what was answered before), ``depth`` (how far each question was searched);
* read again: ``agreement`` of second readings, ``second_look`` (rows that need one), ``reviewing``;
* said and shown: ``wording``, ``charts``, ``render``, ``fragments``, ``listings``, and ``publish``, which notebooks call;
* onto the site: ``notebooks`` (stored outputs), ``directives``, ``catalogue``, ``pages``, ``site``;
* onto the forge: ``changes`` (which rows differ), ``publishable``, ``links``, and ``forge``, which speaks to GitHub;
* ``cli``, and ``anypool``, the same statistics for any CSV.
"""

__version__ = "0.4.0"
