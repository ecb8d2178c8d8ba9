from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = "for tests"
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "shop.pages"
USE_TZ = True
TIME_ZONE = "Asia/Tokyo"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django_autocron", "shop", "clock"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "site.sqlite3",
        "CONN_MAX_AGE": None,  # the connections of one job are there for the next
        "OPTIONS": {"timeout": 30},
    }
}
AUTOCRON = {"DATABASE": "shop.db", "THREADS": 1}
TASKS = {
    "default": {"BACKEND": "django_autocron.backend.AutocronBackend", "QUEUES": []},
    "patient": {
        "BACKEND": "django_autocron.backend.AutocronBackend",
        "OPTIONS": {"retries": 2, "backoff": 0.01},
    },
}
