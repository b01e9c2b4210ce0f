from . import big_integer
from . import millrace_domain
from . import millrace_inbox
from . import millrace_bookkeeping
from . import millrace_posting
