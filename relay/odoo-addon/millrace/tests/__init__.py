from . import test_posting_once
