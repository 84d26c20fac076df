"""Callbacks: promises of the flows, put into the distributor and kept over the telephone.

A promise is written down in the store of errands, its place is the distributor's, and the contact
in which it was asked for lives on without a line until one of two things has come of it: a talk, or
a reason why there was none. So there are three books, and `start` makes them agree after a death.

- A customer is dialled once for each `DialCustomer`, never twice for one: the dial is written down
  before it is made, and its channel carries the offer in its unique id, which Asterisk gives to one
  channel only. Whoever does not know how a dial went asks which channels there are (`reconcile`).
- At the moment of dialling it is asked whether that may be: hours, the list of those not to call,
  the numbers that may be dialled at all.
- Customer first: who answers enters the dialplan, hears who calls, and waits for the agent who is
  kept, as any caller does. Agent first: the agent's phone is rung, and dials when it is taken.
"""
