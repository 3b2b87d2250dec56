"""The ASGI application: the live log answers ahead of Django, because a stream must not hold a thread."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stackyard.site.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from stackyard.runs.live import with_live_log  # noqa: E402  (models can be imported only after Django is set up)

application = with_live_log(django_application)
