"""Searching for training settings by successive halving, on parts of train alone.

space.py      what may be tried: settings, default ranges, an order drawn by a seed
planning.py   how many are tried on how much, within a budget of examples seen
halving.py    the rungs: who goes on
parts.py      train, parted: what trials learn from, and what judges them
trials.py     one trial: trained, judged, stored, its adapter removed
comparing.py  whether the best is ahead of the default, and how sure that is
searching.py  all of it, before the training that uses what was found
records.py    what is stored
"""
