from . import (
    test_attack_calls,
    test_attack_limits,
    test_attack_rights,
    test_concurrency,
    test_contract,
    test_fence,
    test_language,
    test_posting_group,
    test_posting_once,
)
