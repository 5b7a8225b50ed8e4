"""A living review of the barriers to using large language models in clinical practice.

The package goes one way: evidence tables -> effects -> pools -> charts and sentences -> stored notebook outputs -> site.
Each module is one room of that way; notebooks in ``analyses/`` call them, chapters in ``book/`` show what they stored.
"""

__version__ = "0.1.0"
