"""The two policies of a sandbox's role, to be created in its account: who may take it, and what it may do."""

import re
from typing import Any

from stackyard.errors import Invalid

Policy = dict[str, Any]

VERSION = "2012-10-17"
PRINCIPAL = re.compile(r"[0-9]{12}|arn:aws[a-z-]*:iam::[0-9]{12}:(root|role/[\w+=,.@/-]+|user/[\w+=,.@/-]+)")
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}")
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html"""

# Reading. Of buckets only how they are set up: what lies in them is the application's.
_READ = {
    "acm": "Describe* List*",
    "application-autoscaling": "Describe* List*",
    "cloudformation": "Describe* Get* List*",
    "cloudfront": "Get* List*",
    "cloudwatch": "Describe* List*",
    "ec2": "Describe*",
    "ecr": "Describe* GetLifecyclePolicy GetRepositoryPolicy List*",
    "ecs": "Describe* List*",
    "elasticache": "Describe* List*",
    "elasticloadbalancing": "Describe*",
    "iam": "GetOpenIDConnectProvider* GetPolicy* GetRole* ListAttachedRolePolicies ListInstanceProfilesForRole "
    "ListOpenIDConnectProvider* ListPolic* ListRole*",
    "logs": "Describe* List*",
    "rds": "Describe* List*",
    "route53": "Get* List*",
    "s3": "GetAccelerateConfiguration GetBucket* GetEncryptionConfiguration GetLifecycleConfiguration "
    "GetReplicationConfiguration ListAllMyBuckets ListBucket ListBucketVersions ListTagsForResource",
    "secretsmanager": "DescribeSecret GetResourcePolicy GetSecretValue ListSecrets",
    "servicequotas": "Get*",
    "sns": "Get* List*",
    "sqs": "Get* List*",
    "tag": "GetResources",
    "wafv2": "Get* List*",
}

# Making, changing and deleting: each action by its name.
_WRITE = {
    "acm": "AddTagsToCertificate DeleteCertificate RemoveTagsFromCertificate RequestCertificate",
    "application-autoscaling": "DeleteScalingPolicy DeregisterScalableTarget PutScalingPolicy RegisterScalableTarget "
    "TagResource UntagResource",
    "cloudformation": "CreateStack DeleteStack UpdateStack",
    "cloudfront": "CreateDistribution DeleteDistribution TagResource UntagResource UpdateDistribution",
    "cloudwatch": "DeleteAlarms PutMetricAlarm TagResource UntagResource",
    "ec2": "AllocateAddress AssociateRouteTable AttachInternetGateway AuthorizeSecurityGroupEgress "
    "AuthorizeSecurityGroupIngress CreateInternetGateway CreateNatGateway CreateRoute CreateRouteTable "
    "CreateSecurityGroup CreateSubnet CreateTags CreateVpc CreateVpcEndpoint DeleteInternetGateway DeleteNatGateway "
    "DeleteRoute DeleteRouteTable DeleteSecurityGroup DeleteSubnet DeleteTags DeleteVpc DeleteVpcEndpoints "
    "DetachInternetGateway DisassociateAddress DisassociateRouteTable ModifyVpcAttribute ModifyVpcEndpoint "
    "ReleaseAddress ReplaceRoute RevokeSecurityGroupEgress RevokeSecurityGroupIngress",
    "ecr": "BatchDeleteImage CreateRepository DeleteLifecyclePolicy DeleteRepository PutImageScanningConfiguration "
    "PutImageTagMutability PutLifecyclePolicy TagResource UntagResource",
    "ecs": "CreateCluster CreateService DeleteCluster DeleteService DeregisterTaskDefinition RegisterTaskDefinition "
    "TagResource UntagResource UpdateCluster UpdateClusterSettings UpdateService",
    "elasticache": "AddTagsToResource CreateCacheCluster CreateCacheSubnetGroup DeleteCacheCluster "
    "DeleteCacheSubnetGroup ModifyCacheCluster ModifyCacheSubnetGroup RemoveTagsFromResource",
    "elasticloadbalancing": "AddListenerCertificates AddTags CreateListener CreateLoadBalancer CreateRule "
    "CreateTargetGroup DeleteListener DeleteLoadBalancer DeleteRule DeleteTargetGroup ModifyListener "
    "ModifyLoadBalancerAttributes ModifyRule ModifyTargetGroup ModifyTargetGroupAttributes RemoveListenerCertificates "
    "RemoveTags SetRulePriorities SetSecurityGroups SetSubnets SetWebACL",
    "logs": "CreateLogGroup DeleteLogGroup DeleteRetentionPolicy PutRetentionPolicy TagLogGroup TagResource "
    "UntagLogGroup UntagResource",
    "rds": "AddTagsToResource CreateDBCluster CreateDBClusterSnapshot CreateDBInstance CreateDBSnapshot "
    "CreateDBSubnetGroup DeleteDBCluster DeleteDBInstance DeleteDBSubnetGroup "
    "ModifyDBCluster ModifyDBInstance ModifyDBSubnetGroup RemoveTagsFromResource",
    "route53": "ChangeResourceRecordSets ChangeTagsForResource CreateHostedZone DeleteHostedZone "
    "UpdateHostedZoneComment",
    "s3": "CreateBucket DeleteBucket DeleteBucketPolicy DeleteObject DeleteObjectVersion PutBucketPolicy "
    "PutBucketPublicAccessBlock PutBucketTagging PutBucketVersioning PutEncryptionConfiguration "
    "PutLifecycleConfiguration TagResource UntagResource",
    "secretsmanager": "CreateSecret DeleteSecret PutSecretValue TagResource UntagResource UpdateSecret",
    "sns": "CreateTopic DeleteTopic SetTopicAttributes TagResource UntagResource",
    "sqs": "CreateQueue DeleteQueue SetQueueAttributes TagQueue UntagQueue",
    "wafv2": "AssociateWebACL CreateWebACL DeleteWebACL DisassociateWebACL TagResource UntagResource UpdateWebACL",
}

_NETWORK = ("acm", "cloudfront", "ec2", "elasticloadbalancing", "route53", "wafv2")

_TASK_ROLES = ("*-execution", "*-task")  # as the module ecs-service names them
_ROLES = (*_TASK_ROLES, "*-deploy")  # and the module deploy-role
_GITHUB = "arn:aws:iam::*:oidc-provider/token.actions.githubusercontent.com"
_ROLE_ACTIONS = (
    "CreateRole DeleteRole DeleteRolePolicy PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy UpdateRole "
    "UpdateRoleDescription"
)
_GITHUB_ACTIONS = (
    "CreateOpenIDConnectProvider DeleteOpenIDConnectProvider TagOpenIDConnectProvider UntagOpenIDConnectProvider "
    "UpdateOpenIDConnectProviderThumbprint"
)
_SERVICES_WITH_OWN_ROLE = ("ecs", "ecs.application-autoscaling", "elasticache", "elasticloadbalancing", "rds")


def trust_policy(principal: str, external_id: str) -> Policy:
    """The trust policy of a sandbox's role. `principal`: who runs Stackyard's worker, by the ARN of a role or user or
    by account id; `external_id`: the sandbox's, which has to be sent with each request; empty: none is asked for.
    Returns the document, to be written as JSON. Invalid for a principal or id that AWS does not take, and for
    everybody (`*`)."""
    if not PRINCIPAL.fullmatch(principal):
        raise Invalid.field("principal", "Give the ARN of an IAM role or user, or the 12 digits of an account.")
    if external_id and not EXTERNAL_ID.fullmatch(external_id):
        raise Invalid.field("external_id", "Give 2 to 1224 letters, digits or any of + = , . @ : / - _")
    statement: Policy = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    if external_id:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return {"Version": VERSION, "Statement": [statement]}


def permission_policies() -> dict[str, Policy]:
    """What a sandbox's role may do, as managed policies by their names, since AWS takes no more than 6,144 characters
    in one: what the shipped baseline and patterns need, what proves and clears them, and no more.

    Where the actions come from: all that Terraform sent to the emulator while the baseline and each pattern were
    built with every part on, changed and destroyed (AWS provider 3.39); what today's provider 6 sends in their place,
    by the resource types of the modules (tags are set by calls of their own); and what the modules `inventory`,
    `path_proof`, `left_behind` and `check` ask. They are written as IAM names them, which for S3 differs from the API:
    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
    Reading goes by prefix, all else action by action. Resources are not narrowed, as AWS gives most of them names of
    its own, except for roles: only those of ECS tasks and of deployments can be made, those of tasks passed to ECS
    alone, and GitHub is the only other party that can be let in to sign in. Whoever writes a pattern
    decides what its tasks may do, so the account must hold nothing but a sandbox."""
    network = {service: names for service, names in _WRITE.items() if service in _NETWORK}
    services = {service: names for service, names in _WRITE.items() if service not in _NETWORK}
    return {
        "stackyard-read": _document(allow(_actions(_READ))),
        "stackyard-network": _document(allow(_actions(network))),
        "stackyard-services": _document(allow(_actions(services)), *_roles()),
    }


def parent_permission_policy(zone_id: str, zone_name: str) -> Policy:
    """What the role of the parent zone may do: look at the hosted zone `zone_id`, and write in it the NS record of the
    sandbox's zone, and no other. The condition keys are of
    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html"""
    zone = [f"arn:aws:route53:::hostedzone/{zone_id}"]
    only = {
        "ForAllValues:StringEquals": {
            "route53:ChangeResourceRecordSetsNormalizedRecordNames": [zone_name],
            "route53:ChangeResourceRecordSetsRecordTypes": ["NS"],
        }
    }
    return _document(
        allow(["route53:ChangeResourceRecordSets"], zone, only),
        allow(["route53:GetHostedZone", "route53:ListResourceRecordSets"], zone),
        allow(["route53:GetChange"]),
    )


def _roles() -> list[Policy]:
    roles = [f"arn:aws:iam::*:role/{name}" for name in _ROLES]
    tasks = [f"arn:aws:iam::*:role/{name}" for name in _TASK_ROLES]
    own = [f"{service}.amazonaws.com" for service in _SERVICES_WITH_OWN_ROLE]
    return [
        allow(_actions({"iam": _ROLE_ACTIONS}), roles),
        allow(_actions({"iam": _GITHUB_ACTIONS}), [_GITHUB]),
        allow(["iam:PassRole"], tasks, {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}),
        # AWS makes these roles, once in an account, for its own services.
        allow(["iam:CreateServiceLinkedRole"], "*", {"StringEquals": {"iam:AWSServiceName": own}}),
    ]


def _actions(services: dict[str, str]) -> list[str]:
    return [f"{service}:{name}" for service, names in services.items() for name in names.split()]


def allow(actions: list[str], resources: list[str] | str = "*", condition: Policy | None = None) -> Policy:
    """A statement that allows these actions."""
    statement: Policy = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return {**statement, "Condition": condition} if condition else statement


def _document(*statements: Policy) -> Policy:
    return {"Version": VERSION, "Statement": list(statements)}
