"""The executor of postings: reads the step language and runs it.

Nothing in here is a model, and nothing knows a business word. One file, one job:

limits        every bound, in one place
faults        what can go wrong, and which of four classes it belongs to
language      JSON in, checked dataclasses out
references    {"$": "found.0"} becomes a value
allow         which calls, fields and context keys a domain may use
expectations  what must be true, or the posting did not happen
steps         runs the steps of one posting
guard         what a posting may not do to its transaction
ledger        the SQL of the inbox: what is known, claimed, stored
"""
