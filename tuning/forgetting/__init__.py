"""What an adapter costs in abilities that it was not trained for, and what can be done about it.

neutral.py       the change of cross-entropy on neutral text, stored like a run
scaling.py       the same adapter with a part of its effect, as an adapter of its own
remedies.py      what may be tried when a guard fails, in order
levels.py        how sure a guard's pass must be when several adapters are tried on it
trying.py        one adapter on dev, the guards and neutral text: a point of the trade-off
choosing.py      remedies one after another, until one is good enough
tradeoff.py      the curve of scales, where nobody asked for a remedy
stored.py        trade-offs in the ledger
wording.py       what all of it says in words

Nothing here looks at the sealed split: what is chosen is chosen on dev and the guards.
"""
