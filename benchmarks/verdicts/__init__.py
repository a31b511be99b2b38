"""Every shipped suite with the embedded model: the verdict, and what training then did.

running.py   runs a suite's whole job, and trains by override where the gate stays shut
compact.py   what the verdicts follow from, in one file for each suite
derived.py   the verdicts again, from such a file
page.py      docs/verdicts.md
"""
