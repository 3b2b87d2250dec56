"""The workflow that deploys, on an environment's page."""

import pytest
from django.urls import reverse
from tests.integration.actions.test_deploy_workflow import OUTPUTS
from tests.integration.portal.site import Site

from stackyard.cmdb.models import Environment


def look(site: Site, who: str) -> str:
    return str(site.client(who).get(reverse("portal:environment", args=[site.environment.uid])).content.decode())


def test_it_is_downloaded(site: Site) -> None:
    Environment.objects.update(outputs=OUTPUTS, status="ready")
    address = reverse("portal:deploy-workflow", args=[site.environment.uid])
    assert f'href="{address}"' in look(site, "viewer")
    file = site.client("viewer").get(address)
    assert file.headers["Content-Disposition"] == 'attachment; filename="deploy-shop-dev.yml"'
    assert OUTPUTS["deploy_role_arn"] in file.content.decode()


@pytest.mark.parametrize(("role", "service", "told"), [("", "shop-dev", True), ("", "", False)])
def test_how_to_get_it_is_told_where_there_is_a_service(site: Site, role: str, service: str, told: bool) -> None:
    outputs = {**OUTPUTS, "deploy_role_arn": role, "service_name": service}
    Environment.objects.update(outputs=outputs, status="ready")
    page = look(site, "requester")
    assert ("<code>github.repository</code>" in page) is told
    assert "Deploy workflow" not in page
