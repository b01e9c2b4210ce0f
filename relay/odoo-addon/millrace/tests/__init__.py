from . import test_attack_limits
from . import test_attack_rights
from . import test_concurrency
from . import test_contract
from . import test_fence
from . import test_language
from . import test_posting_group
from . import test_posting_once
