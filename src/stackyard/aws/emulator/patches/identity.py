"""IAM."""

import copy
import threading
from typing import Any

from stackyard.aws.emulator.patches.tools import Wrapped, wrap


def accounts_share_managed_policies() -> None:
    """IAM: AWS's own policies are read once, and not for each account.

    moto parses all 1,300 of them for every account that is used: a second, and 50 MB, each. Their documents never
    change, so accounts share them; what differs, who they are attached to, stays with the account.
    """
    from moto.iam.models import IAMBackend

    def share(original: Wrapped) -> Wrapped:
        lock, first = threading.Lock(), {}

        def shared(self: Any) -> list[Any]:
            with lock:
                if self.region_name not in first:
                    first[self.region_name] = original(self)
            policies = [copy.copy(policy) for policy in first[self.region_name]]
            for policy in policies:
                policy.account_id, policy.attachment_count = self.account_id, 0
            return policies

        return shared

    wrap(IAMBackend, "_init_aws_policies", share)
