"""Whether builds elsewhere find what they need in the account."""

from botocore.exceptions import ClientError

from stackyard.aws.builds import BuildPlace
from stackyard.aws.checks.finding import Verdict
from stackyard.aws.jobs import Buckets
from stackyard.aws.sessions import SandboxAccess

FIX = (
    "Make it, by the settings `builds` of the sandbox's common components or by Terraform with `pipeline/aws`, or name "
    "what you have in the options of the executor. docs/executors.md tells how."
)


def place(access: SandboxAccess, place: Buckets) -> Verdict:
    """Whether the buckets are there, with versions, and the pipeline where there has to be one."""
    s3, missing = access.client("s3"), []
    for bucket in sorted({place.packages, place.results}):
        try:
            if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
                missing.append(f"the bucket {bucket} keeps no versions")
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise
            missing.append(f"there is no bucket {bucket}")
    if isinstance(place, BuildPlace):
        client = access.client("codepipeline")
        try:
            client.get_pipeline(name=place.pipeline)
        except client.exceptions.PipelineNotFoundException:
            missing.append(f"there is no pipeline {place.pipeline}")
    if missing:
        text = "; ".join(missing)
        return Verdict(False, f"{text[0].upper()}{text[1:]}.", FIX)
    return Verdict(True, f"Results are brought to {place.results}.")
