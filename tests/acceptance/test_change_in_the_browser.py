"""As an application developer I change my environment in a browser: difference, plan and apply come before my eyes.

The environment is one of `ecs-service`, whose DNS record takes Route 53 half a minute when it is built; the change does
not touch it.
"""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from stackyard.cmdb.models import Environment, Run
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.runs.cancel import request_cancel
from tests.acceptance.conftest import StartWorker
from tests.acceptance.test_change import RECORD, edit_record, task_of
from tests.acceptance.test_in_the_browser import MINUTES, picture, sign_in
from tests.yard import Yard, log_of

pytestmark = [pytest.mark.journey, pytest.mark.browser]


def test_cpu_count_and_a_variable_are_changed_and_an_edit_by_hand_survives(
    yard: Yard, portal: str, browser: Any, start_worker: StartWorker, tmp_path: Path
) -> None:
    start_worker()
    settings = {"container.environment": {"STAGE": "dev"}}
    run = create(yard.user, CreateRequest("shop", "ecs-service", "edited", settings=settings), via="api")
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: complaints.append(str(e)))
    sign_in(page, portal, "rika")

    page.goto(f"{portal}/environments/{run.environment.uid}/")
    page.get_by_role("link", name="Change", exact=True).wait_for(timeout=MINUTES)
    env = Environment.objects.get(pk=run.environment_id)
    assert env.status == "ready", log_of(run)
    edit_record(env, "retention_days = 14", "retention_days = 30 # the auditors want a month")
    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_text("The record holds something that was not applied yet").wait_for()
    assert page.input_value("[name='settings.logs.retention_days']") == "30", "the edit by hand is what is shown"
    assert page.input_value("[name='settings.container.cpu']") == "256"

    page.select_option("[name='settings.container.cpu']", "512")
    page.select_option("[name='settings.container.memory']", "1024")
    page.fill("[name='settings.scaling.min']", "2")
    page.get_by_role("button", name="Add").click()
    page.keyboard.type("GREETING")
    page.keyboard.press("Tab")
    page.keyboard.type("hello")
    page.locator(".diff-added", has_text='GREETING = "hello"').wait_for()
    assert page.evaluate("document.activeElement.value") == "hello", "the preview takes nobody's focus"
    added = "\n".join(page.locator(".preview .diff-added").all_inner_texts())
    assert all(text in added for text in ("cpu = 512", "memory = 1024", "min = 2"))
    assert "retention_days" not in added, "what is in the record already is no change of mine"
    picture(page, "change", tmp_path)
    page.get_by_text("Ask me before the plan is applied").click()
    page.get_by_role("button", name="Plan and apply").click()

    # Everything from here on comes by itself: the status, the plan, the question.
    page.get_by_text("Apply this plan?").wait_for(timeout=MINUTES)
    page.locator(".status-amber").first.wait_for()
    part = page.locator(".plan-part", has=page.get_by_text("Service", exact=True))
    assert "to change" in part.locator("summary").inner_text()
    part.locator("summary").click()
    part.get_by_text("aws_ecs_service.this").wait_for()
    assert page.locator(".plan-lost").count() == 0
    assert task_of(yard, env)["cpu"] == "256", "nothing is applied before it is approved"
    picture(page, "change-approval", tmp_path)
    page.get_by_role("button", name="Approve and apply").click()
    head = page.locator("h1 >> xpath=..")
    head.get_by_text("Running").wait_for(timeout=MINUTES)
    page.locator(".step-running", has_text="Apply").wait_for(timeout=MINUTES)
    head.get_by_text("Succeeded").wait_for(timeout=MINUTES)
    picture(page, "change-done", tmp_path)

    env.refresh_from_db()
    assert env.status == "ready"
    task = task_of(yard, env)
    assert task["cpu"] == "512"
    assert task["variables"].items() >= {"STAGE": "dev", "GREETING": "hello"}.items()
    targets = yard.access(env.sandbox).client("application-autoscaling")
    (target,) = targets.describe_scalable_targets(
        ServiceNamespace="ecs", ResourceIds=[f"service/{env.outputs['cluster_name']}/{env.slug}"]
    )["ScalableTargets"]
    assert target["MinCapacity"] == 2
    text = (RECORD / env.record_folder / "locals.tf").read_text()
    assert "retention_days = 30 # the auditors want a month" in text
    assert env.settings["logs.retention_days"] == 30

    page.goto(f"{portal}/environments/{env.uid}/change/")
    assert page.get_by_text("not applied yet").count() == 0
    assert page.input_value("[name='settings.container.cpu']") == "512"
    assert [c for c in complaints if not c.startswith(("htmx:afterRequest", "htmx:sendAbort"))] == []


def test_what_somebody_else_starts_appears_by_itself(yard: Yard, portal: str, browser: Any) -> None:
    run = yard.create("watched")
    Run.objects.filter(pk=run.pk).update(status="succeeded", finished_at=timezone.now())
    Environment.objects.filter(pk=run.environment_id).update(
        status="ready", resources=[{"address": "a.b", "type": "a"}]
    )
    page = browser.new_page()
    sign_in(page, portal, "vera")
    page.goto(f"{portal}/environments/{run.environment.uid}/")
    head = page.locator("h1 >> xpath=..")
    head.get_by_text("Ready", exact=True).wait_for()

    other = yard.destroy(Environment.objects.get(pk=run.environment_id))
    page.locator(f"[data-live='{other.pk}']").wait_for()
    head.get_by_text("Destroying", exact=True).wait_for()
    assert page.locator("[data-live]").count() == 1, "the log of the run before made room"

    request_cancel(yard.user, other)
    page.locator(f"[data-live='{other.pk}'][data-status='cancelled']").wait_for()
    page.locator(".card-actions").get_by_text("Cancelled", exact=True).wait_for()
    head.get_by_text("Ready", exact=True).wait_for()
