"""The diagnostics that we know, as data: how each reads, what it calls for, what it means and what a person can do.

`docs/operations.md` explains the four kinds. Each entry has an example as Terraform or the AWS provider printed it, by
which the table is tested.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from stackyard.terraform.events import Diagnostic

Recovery = Literal["retry", "setting", "destroy", "hold"]
"""`retry`: the same again after a pause. `setting`: a person has to change a setting. `destroy`: a create cannot go on
and is taken back. `hold`: nothing is gained by going on or back; platform staff must mend something first."""


@dataclass(frozen=True)
class Known:
    """A diagnostic that we know. `pattern` is searched in its summary and detail, `address` in that of its resource.

    `why` is what it means, `fix` what to do; both are read by a person. A named group in `pattern` is the name of the
    attribute that was refused.
    """

    pattern: str
    recovery: Recovery
    why: str
    fix: str
    example: str
    address: str = ""

    @property
    def hint(self) -> str:
        """Both sentences."""
        return f"{self.why} {self.fix}"

    def fits(self, diagnostic: Diagnostic) -> bool:
        """Whether it is this one."""
        return bool(re.search(self.pattern, diagnostic.text)) and bool(re.search(self.address, diagnostic.address))

    def attribute(self, diagnostic: Diagnostic) -> str:
        """The attribute that was refused; empty when the text names none."""
        found = re.search(self.pattern, diagnostic.text)
        return next((name for name in found.groupdict().values() if name), "") if found else ""


def known(diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, Known] | None:
    """The first diagnostic that the table has, with its entry. What a person has to mend goes before what may pass by
    itself: trying again would end at the former every time."""
    found = [(d, k) for d in diagnostics if (k := next((k for k in KNOWN if k.fits(d)), None)) is not None]
    return min(found, key=lambda pair: pair[1].recovery == "retry", default=None)


KNOWN: tuple[Known, ...] = (
    Known(
        r"Throttl|Rate exceeded|TooManyRequests|RequestLimitExceeded|PriorRequestNotComplete|SlowDown",
        "retry",
        "AWS asks for patience.",
        "Try again later; platform staff can ask AWS for a higher rate.",
        "error creating SQS Queue (shop-dev): ThrottlingException: Rate exceeded\n\tstatus code: 400, request id: 0",
    ),
    Known(
        r"Expired\w*Token|RequestExpired|InvalidClientTokenId|UnrecognizedClient|AuthFailure|SignatureDoesNotMatch"
        r"|no valid credential|NoCredentialProviders|security token \w+ \w+ \w+ \w+ (invalid|expired)"
        r"|sts:AssumeRole|cannot be assumed|[Cc]annot assume",
        "hold",
        "Stackyard could not sign in to the account.",
        "Platform staff must check the sandbox's role.",
        "error configuring Terraform AWS Provider: IAM Role (arn:aws:iam::111122223333:role/stackyard) cannot be "
        "assumed.",
    ),
    Known(
        r"AccessDenied|UnauthorizedOperation|UnauthorizedAccess|not authorized to perform|Forbidden",
        "hold",
        "The sandbox's role lacks a permission.",
        "Platform staff can add it.",
        "error creating shop-dev service: AccessDeniedException: The emulator was told to fail ecs:CreateService.",
    ),
    Known(
        r"not (yet )?(been )?propagated|InvalidParameterValueException: The role defined for|couldn't find resource"
        r"|role with name \S+ cannot be found|([Uu]nable|was unable) to assume the (service linked )?role"
        r"|MalformedPolicy.*[Ii]nvalid principal|InvalidGroup\.NotFound|InvalidSubnetID\.NotFound"
        r"|Provider produced inconsistent result",
        "retry",
        "AWS did not know yet what had just been made.",
        "Try again.",
        "error creating shop-dev service: InvalidParameterException: Unable to assume the service linked role. Please "
        "verify that the ECS service linked role exists.",
    ),
    Known(
        r"AlreadyExists|[Aa]lready [Ee]xists|Duplicate(Listener|LoadBalancer|TargetGroup)|InvalidGroup\.Duplicate"
        r"|PriorityInUse|BucketAlreadyOwnedByYou|is already in use",
        "destroy",
        "Something with this name is in the account already, made outside of Stackyard.",
        "Remove it or choose another name.",
        "error creating ECR repository: RepositoryAlreadyExistsException: The repository with name 'shop-dev' already "
        "exists in the registry with id '111122223333'",
    ),
    Known(
        r"LimitExceeded|QuotaExceeded|TooMany\w+|(limit|quota) (has been |was |is )?(reached|exceeded)"
        r"|maximum number of",
        "destroy",
        "The account is at a quota.",
        "Destroy what is no longer needed, or ask platform staff to raise it.",
        "Error creating VPC: VpcLimitExceeded: The maximum number of VPCs has been reached.",
    ),
    Known(
        r"Insufficient\w*Capacity|Capacity is unavailable",
        "retry",
        "AWS has no capacity free at the moment.",
        "Try again later, or choose another size.",
        "Error creating DB Instance: InsufficientDBInstanceCapacity: Cannot create a db.t3.micro instance because "
        "there is no capacity in the requested availability zone.",
    ),
    Known(
        r"Error acquiring the state lock|Error locking state|state lock",
        "retry",
        "Another Terraform works on this state, or one was killed.",
        "When none works on it any more, platform staff can release the lock.",
        "Error acquiring the state lock. Error message: pq: Already locked for workspace creation: default",
    ),
    Known(
        r"No space left on device|no space left on device|file too large|disk quota exceeded",
        "hold",
        "The disk of the worker's machine is full.",
        "Make room in Stackyard's data folder, then press Destroy or try again.",
        "Failed to install provider. Error while installing hashicorp/aws v3.39.0: write "
        "/var/lib/stackyard/x/code/.terraform/providers: no space left on device",
    ),
    Known(
        r"steady state|state to become '\w*(STABLE|ACTIVE|available|running|tfSTABLE)",
        "destroy",
        "It was made but did not become ready in time.",
        "The log of the application or of AWS tells why.",
        "error waiting for ECS service (shop-dev) to become steady state after creation: timeout while waiting for "
        "state to become 'tfSTABLE' (last state: 'tfPENDING', timeout: 20m0s)",
    ),
    Known(
        r"timeout while waiting|context deadline exceeded|connection reset|connection refused|no such host|i/o timeout"
        r"|TLS handshake timeout|ServiceUnavailable|InternalFailure|InternalError|InternalServerError|RequestError"
        r"|server closed the connection|unexpected EOF|driver: bad connection|the database system is",
        "retry",
        "AWS or the database did not answer in time.",
        "Try again.",
        "error reading ECS cluster: RequestError: send request failed caused by: Post "
        '"https://ecs.eu-central-1.amazonaws.com/": dial tcp 10.0.0.1:443: connect: connection refused',
    ),
    Known(
        r"Plugin did not respond|Provider produced invalid|plugin process exited|Failed to load plugin schemas"
        r"|plugin exited before we could connect",
        "retry",
        "Terraform's AWS provider ended in the middle of its work.",
        "Try again; when it goes on, platform staff find its end in the server's log.",
        "Plugin did not respond. The plugin encountered an error, and failed to respond to the "
        "plugin.(*GRPCProvider).ApplyResourceChange call. The plugin logs may contain more details.",
    ),
    Known(
        r"Resource precondition failed|Resource postcondition failed|Invalid value for variable|validation rule",
        "setting",
        "The pattern refuses a setting.",
        "Correct it and try again.",
        "Resource precondition failed. Fargate does not offer 512 MiB of memory with 1024 cpu units. With this cpu it "
        "offers 2048, 3072, 4096, 5120, 6144, 7168, 8192 MiB.",
    ),
    Known(
        r"[Ii]nvalid '(?P<named>\w+)' setting|expected (?P<expected>\S+) to be|Missing required argument"
        r"|InvalidParameter|ValidationException|ValidationError|Invalid attribute value|InvalidAttributeValue",
        "setting",
        "AWS refuses a setting.",
        "Correct the setting that the message names and try again.",
        "ClientException: Invalid 'cpu' setting for task. For more information, see the Troubleshooting section of the "
        "Amazon ECS Developer Guide.",
    ),
    Known(
        r"Failed to (query available provider|install provider)|Could not retrieve the list of available versions",
        "retry",
        "The provider registry did not answer, or does not have this version.",
        "Try again; platform staff can set up a mirror of providers.",
        "Failed to query available provider packages. Could not retrieve the list of available versions for provider "
        "hashicorp/aws: could not connect to registry.terraform.io",
    ),
)
"""Read from the top: the first that fits counts, so the narrower ones stand above the wider ones."""
