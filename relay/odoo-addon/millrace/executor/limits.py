"""Every bound of the executor, and the version of its language.

A request beyond a bound is answered ``malformed`` before anything of it runs. `millrace.posting.version` tells the
caller all of these, so that it never has to guess.
"""

ADDON_VERSION = "19.0.1.0.0"  # the manifest's; a test compares them
LANGUAGE_VERSION = 1

# A request.
REQUEST_BYTES = 2 * 1024 * 1024
POSTINGS = 50
MESSAGES = 200
STEPS = 2_000
DRY_RUN_MESSAGES = 50
ASK_MESSAGES = 1_000
PURGE_FLOORS = 1_000
PURGE_ROWS = 20_000
NESTING_DEPTH = 24

# A posting.
LOCKS = 1_000
IDS_PER_STEP = 2_000
ROWS_PER_SEARCH = 5_000
RESULT_NODES = 200_000

# A text.
ID_CHARS = 255
DIGEST_CHARS = 128
NAME_CHARS = 128
LABEL_CHARS = 120
LOCK_CHARS = 255
SAY_CHARS = 500
ERROR_CHARS = 2_000
DATA_BYTES = 16 * 1024

# A number. Fences are 32-bit in Odoo; half of that leaves room to raise one for ever.
FENCE_NUMBER = 1_000_000_000
SEQUENCE = 2**53 - 1
ATTEMPT = 1_000_000

# A wait, inside PostgreSQL. Odoo itself sets none: without these a blocked statement holds its worker until the
# worker's own limit kills it.
STATEMENT_TIMEOUT_SECONDS = 60
LOCK_TIMEOUT_SECONDS = 10

# Rows over which a domain's count is spread, so that concurrent requests do not collide on one.
TALLY_SLOTS = 64
# A lock row that nobody used for so long is removed; far longer than any transaction lives.
LOCK_KEPT_DAYS = 7


def as_dict():
    """The bounds that a caller must respect, by name in lower case."""
    names = (
        "REQUEST_BYTES POSTINGS MESSAGES STEPS DRY_RUN_MESSAGES ASK_MESSAGES PURGE_FLOORS PURGE_ROWS NESTING_DEPTH "
        "LOCKS IDS_PER_STEP ROWS_PER_SEARCH ID_CHARS DIGEST_CHARS NAME_CHARS LABEL_CHARS LOCK_CHARS SAY_CHARS "
        "DATA_BYTES FENCE_NUMBER SEQUENCE ATTEMPT STATEMENT_TIMEOUT_SECONDS LOCK_TIMEOUT_SECONDS"
    )
    return {name.lower(): globals()[name] for name in names.split()}
