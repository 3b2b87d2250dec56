"""Requests are told apart as AWS does, whichever SDK wrote them."""

import pytest

from stackyard.aws.emulator.actions import Action, Request
from stackyard.aws.emulator.error_bodies import error_answer
from stackyard.errors import Invalid


def request(
    service: str,
    method: str = "POST",
    path: str = "/",
    *,
    query: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
    **headers: str,
) -> Request:
    scope = f"AWS4-HMAC-SHA256 Credential=AKID/20300101/eu-central-1/{service}/aws4_request, SignedHeaders=host"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, path, query or {}, {"authorization": scope, **named}, form or {})


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("ecs:CreateService", Action(("ecs",), "CreateService")),
        (" ECS:createservice ", Action(("ecs",), "CreateService")),
        ("elasticloadbalancing:CreateRule", Action(("elbv2",), "CreateRule")),
        ("elasticloadbalancingv2:CreateRule", Action(("elbv2",), "CreateRule")),
        ("elasticloadbalancing:DescribeTags", Action(("elbv2", "elb"), "DescribeTags")),
        ("s3:CreateBucket", Action(("s3", "s3control"), "CreateBucket")),
        ("tag:GetResources", Action(("resourcegroupstaggingapi",), "GetResources")),
        ("rds:CreateDBInstance", Action(("rds",), "CreateDBInstance")),
    ],
)
def test_actions_by_boto3s_and_by_iams_names(text: str, action: Action) -> None:
    assert Action.parse(text) == action


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ecs:CreateServce", "do you mean CreateService"),
        ("route35:ChangeResourceRecordSets", "do you mean route53"),
        ("ecs:Xyzzy", "ecs has no action 'Xyzzy'."),
        ("CreateService", "write it as ecs:CreateService"),
        ("ecs:", "write it as ecs:CreateService"),
        (":CreateService", "no service ''"),
    ],
)
def test_an_unknown_action_is_refused_with_the_nearest_names(text: str, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        Action.parse(text)
    assert says in str(refused.value)
    assert refused.value.problems[0].field == "fail_at"


ELB = {"Action": "CreateLoadBalancer"}
TARGET = "AmazonEC2ContainerServiceV20141113.CreateService"


@pytest.mark.parametrize(
    ("service", "operation", "call"),
    [
        ("ecs", "CreateService", request("ecs", x_amz_target=TARGET)),
        ("elbv2", "CreateLoadBalancer", request("elasticloadbalancing", form={**ELB, "Version": "2015-12-01"})),
        ("elb", "CreateLoadBalancer", request("elasticloadbalancing", form={**ELB, "Version": "2012-06-01"})),
        ("iam", "ListRoles", request("iam", "GET", query={"Action": "ListRoles", "Version": "2010-05-08"})),
        ("wafv2", "CreateWebACL", request("WAFV2", x_amz_target="AWSWAF_20190729.CreateWebACL")),
        # SQS: older SDKs speak the query protocol, newer ones JSON.
        ("sqs", "CreateQueue", request("sqs", form={"Action": "CreateQueue", "Version": "2012-11-05"})),
        ("sqs", "CreateQueue", request("sqs", x_amz_target="AmazonSQS.CreateQueue")),
        ("cloudwatch", "PutMetricAlarm", request("monitoring", form={"Action": "PutMetricAlarm"})),
        (
            "cloudwatch",
            "PutMetricAlarm",
            request(
                "monitoring",
                path="/service/GraniteServiceVersion20100801/operation/PutMetricAlarm",
                smithy_protocol="rpc-v2-cbor",
            ),
        ),
        ("route53", "ChangeResourceRecordSets", request("route53", path="/2013-04-01/hostedzone/Z1/rrset/")),
        ("route53", "ChangeResourceRecordSets", request("route53", path="/2013-04-01/hostedzone/Z1/rrset")),
        ("route53", "ListResourceRecordSets", request("route53", "GET", "/2013-04-01/hostedzone/Z1/rrset")),
        ("s3", "CreateBucket", request("s3", "PUT", "/bucket")),
        ("s3", "CreateBucket", request("s3", "PUT", "/bucket/")),
        ("s3", "PutBucketAcl", request("s3", "PUT", "/bucket", query={"acl": ""})),
        ("s3", "PutObject", request("s3", "PUT", "/bucket/a/b", query={"x-id": "PutObject"})),
        ("s3", "UploadPart", request("s3", "PUT", "/bucket/a", query={"partNumber": "1", "uploadId": "u"})),
        ("s3", "CopyObject", request("s3", "PUT", "/bucket/a", x_amz_copy_source="/bucket/b")),
        ("s3", "ListObjectsV2", request("s3", "GET", "/bucket", query={"list-type": "2"})),
        ("s3", "ListObjects", request("s3", "GET", "/bucket", query={"prefix": "a"})),
        ("s3", "HeadBucket", request("s3", "HEAD", "/bucket")),
        ("lambda", "GetFunction", request("lambda", "GET", "/2015-03-31/functions/f")),
        ("cloudfront", "CreateDistribution", request("cloudfront", path="/2020-05-31/distribution")),
        (
            "cloudfront",
            "CreateDistributionWithTags",
            request("cloudfront", path="/2020-05-31/distribution", query={"WithTags": ""}),
        ),
    ],
)
def test_a_request_is_for_its_operation_and_no_other(service: str, operation: str, call: Request) -> None:
    from stackyard.aws.emulator.actions import service_model

    assert [name for name in service_model(service).operation_names if call.is_for(service, name)] == [operation]


def test_a_request_is_for_the_service_that_it_was_signed_for() -> None:
    call = request("ecs", x_amz_target=TARGET)
    assert not call.is_for("ecr", "CreateService")
    assert not request("elasticloadbalancing", form={**ELB, "Version": "2012-06-01"}).is_for(
        "elbv2", "CreateLoadBalancer"
    )
    assert not Request("POST", "/", {}, {}, {}).is_for("ecs", "CreateService")


def test_a_presigned_request_is_signed_too() -> None:
    query = {"X-Amz-Credential": "AKID/20300101/eu-central-1/s3/aws4_request"}
    assert Request("GET", "/bucket/a", query, {}, {}).is_for("s3", "GetObject")


def test_long_messages_are_told_in_cbor_too() -> None:
    import botocore.parsers

    call = request("monitoring", path="/service/x/operation/PutMetricAlarm", smithy_protocol="rpc-v2-cbor")
    message = "ü" * 300
    headers, body = error_answer("cloudwatch", call, code="Code", message=message, status=400)
    parser = botocore.parsers.create_parser("smithy-rpc-v2-cbor")
    parsed = parser.parse({"status_code": 400, "headers": headers, "body": body, "context": {}}, None)
    assert parsed["Error"] == {"Code": "Code", "Message": message}
