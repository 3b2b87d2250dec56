"""EC2, Route 53 and CloudFront."""

from typing import Any

from stackyard.aws.emulator.patches.tools import Wrapped, wrap


def deleted_records_can_be_made_again() -> None:
    """Route 53: a record that was deleted can be created again.

    moto looks for an earlier creation in the zone's journal, deletions or not, and then for any record that sorts at
    or after the name; with a later-sorting record in the zone it refuses, as if the deleted record were still there.
    """
    from moto.route53.models import ChangeList

    def look(original: Wrapped) -> Wrapped:
        def stands(self: Any, item: Any) -> bool:
            if not original(self, item):
                return False
            key = _record_key(item)
            last = next(change["Action"] for change in reversed(self) if _record_key(change) == key)
            return bool(last != "DELETE")

        return stands

    wrap(ChangeList, "__contains__", look)


def _record_key(change: Any) -> tuple[str, str, str]:
    record = change["ResourceRecordSet"]
    return record["Name"].strip("."), record["Type"], record.get("SetIdentifier", "")


def deleted_groups_lose_their_tags() -> None:
    """EC2: the tags of a security group go with it; moto goes on to tell of them, as if the group were still there."""
    from moto.ec2.models.security_groups import SecurityGroupBackend as Backend

    def forget(original: Wrapped) -> Wrapped:
        def deleted(self: Any, vpc_id: str | None, group_id: str) -> Any:
            answer = original(self, vpc_id, group_id)
            self.tags.pop(group_id, None)
            return answer

        return deleted

    wrap(Backend, "_delete_security_group", forget)


def ec2_classic_is_gone() -> None:
    """EC2: an account has the platform VPC alone.

    moto still offers EC2-Classic, and the provider then makes an elastic IP address of the classic kind, which can
    have no tags.
    """
    from moto.ec2.responses.account_attributes import AccountAttributes

    def leave_out(original: Wrapped) -> Wrapped:
        def described(self: Any) -> Any:
            answer = original(self)
            for attribute in answer.result["AccountAttributes"]:
                if attribute["AttributeName"] == "supported-platforms":
                    attribute["AttributeValues"] = [{"AttributeValue": "VPC"}]
            return answer

        return described

    wrap(AccountAttributes, "describe_account_attributes", leave_out)


def own_certificates_replace_the_default_one() -> None:
    """CloudFront: with a certificate of ACM, the default certificate is off.

    moto leaves it on beside the other, so that every plan would want to switch it off.
    """
    from moto.cloudfront.models import ViewerCertificate

    def replace(original: Wrapped) -> Wrapped:
        def made(self: Any, config: dict[str, Any]) -> None:
            original(self, config)
            if self.acm_certificate_arn:
                self.cloud_front_default_certificate = False
                self.certificate, self.certificate_source = self.acm_certificate_arn, "acm"

        return made

    wrap(ViewerCertificate, "__init__", replace)


def cache_policies_replace_forwarded_values() -> None:
    """CloudFront: a cache behaviour with a cache policy has no forwarded values.

    moto always adds some, so that every plan would want to take them away.
    """
    from moto.cloudfront.models import DefaultCacheBehaviour

    def replace(original: Wrapped) -> Wrapped:
        def made(self: Any, config: dict[str, Any]) -> None:
            original(self, config)
            if self.cache_policy_id:
                self.forwarded_values = None

        return made

    wrap(DefaultCacheBehaviour, "__init__", replace)
