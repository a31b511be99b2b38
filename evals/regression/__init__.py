"""The regression gate: a baseline that a person accepted, and what is worse than it now.

`acceptance` makes a baseline of runs and `accepted_file` keeps it. `definition` says by what a
suite is judged, `revision` what that was at another git revision, and `gate` which of the two
judges. `recipes` and `tables` turn names into candidates and runs into scores by case;
`judge`, `drift` and `changed_cases` find what is to be said, `verdict` says it of one suite,
`wording` in the same words everywhere. `noise` judges a candidate against itself.
"""
