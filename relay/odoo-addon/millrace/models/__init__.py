from . import big_integer, millrace_bookkeeping, millrace_domain, millrace_inbox, millrace_posting
