"""Charts, as Altair specifications: from pools and tables to a chart with a description for those who can't see it.

``look`` holds what all share, ``forest`` a question, ``maps`` the evidence by question and setting, ``bars`` who and what was tested,
``times`` model generations and events, ``flow`` the way from candidates to studies.
Every chart is laid out for the width of a phone, so that one picture serves every screen.
"""
