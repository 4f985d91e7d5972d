"""Everything that differs between one machine and many, read from the environment here and nowhere else.

Each name read below may be set in the environment; without any, Closecall runs on one machine, on SQLite, in `var/`.
"""

import os
import secrets
import sys
from pathlib import Path

import environ
from csp.constants import NONE, SELF

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
TESTING = "pytest" in sys.modules
HOME = Path(env.str("CLOSECALL_HOME", default=str(BASE_DIR / "var" / ("test" if TESTING else "")))).resolve()
HOME.mkdir(parents=True, exist_ok=True)


def secret_key(path: Path) -> str:
    """The key of this installation: made on first use, readable by its owner alone."""
    try:
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    return path.read_text().strip()


# --- the site --------------------------------------------------------------------------------------------------------

SECRET_KEY = env.str("SECRET_KEY", default="") or secret_key(HOME / "secret_key")
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Behind a proxy that ends TLS: HTTPS=1 marks cookies secure and trusts the proxy's X-Forwarded-Proto.
HTTPS = env.bool("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "rewards",
    "labeling",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "django_htmx",
    "django_q",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
# Text from outside is inert: a page may run and load only what this server ships.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
ROOT_URLCONF = "labeling.urls"
WSGI_APPLICATION = "labeling.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
LANGUAGE_CODE = "en"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
USE_I18N = False

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
PASSWORD_HASHERS = (
    ["django.contrib.auth.hashers.MD5PasswordHasher"]  # tests sign in hundreds of times
    if TESTING
    else ["django.contrib.auth.hashers.ScryptPasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
)
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign_in"

# --- web server: one process of several threads suits SQLite, whose writers wait for each other anyway ---------------

WEB_WORKERS = env.int("WEB_WORKERS", default=1)
WEB_THREADS = env.int("WEB_THREADS", default=8)

# --- the database ----------------------------------------------------------------------------------------------------

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{HOME / 'db.sqlite3'}")}
DATABASES["default"] |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["ENGINE"] = "labeling.sqlite3"  # Django's, whose writers take turns
    DATABASES["default"]["OPTIONS"] = {
        # Take the write lock at the start, where waiting is possible, instead of failing in the middle.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        # FULL: an answer is acknowledged only once it would survive a power cut.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536",
    }
    # A file: threads fail on SQLite's in-memory database.
    DATABASES["default"]["TEST"] = {"NAME": str(HOME / "test.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- files: contents of items and arrays, never served without a view that checks who asks ---------------------------

STORAGES = {
    "default": {
        "BACKEND": env.str("STORAGE_BACKEND", default="django.core.files.storage.FileSystemStorage"),
        "OPTIONS": env.json("STORAGE_OPTIONS", default={"location": str(HOME / "media")}),
    },
    "arrays": {
        "BACKEND": env.str("ARRAYS_BACKEND", default="django.core.files.storage.FileSystemStorage"),
        "OPTIONS": env.json("ARRAYS_OPTIONS", default={"location": str(HOME / "arrays")}),
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
ARRAYS_CACHE = HOME / "cache" / "arrays"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
UPLOAD_LIMIT = env.int("UPLOAD_LIMIT", default=10 * 2**20)  # bytes in one request
DATA_UPLOAD_MAX_MEMORY_SIZE = UPLOAD_LIMIT
FILE_UPLOAD_MAX_MEMORY_SIZE = 2**20

# --- django-q2: short work in one cluster, training in another, so that neither waits for the other ------------------

# Cluster status reaches the web processes through the cache; a directory serves one machine, CACHE_URL many.
CACHES = {"default": env.cache_url("CACHE_URL", default=f"filecache://{HOME / 'cache' / 'django'}?max_entries=5000")}
TRAINING_TIMEOUT = env.int("TRAINING_TIMEOUT", default=6 * 3600)  # seconds
TRIAL_TIMEOUT = env.int("TRIAL_TIMEOUT", default=1800)  # seconds; what a trial has come to by then is kept
TRIAL_PROCESSES = env.int("TRIAL_PROCESSES", default=1)
Q_CLUSTER = {
    "name": "closecall",
    "orm": "default",
    "workers": env.int("CLUSTER_WORKERS", default=1),
    "timeout": 600,
    "retry": 660,
    "max_attempts": 2,
    "ack_failures": True,
    "catch_up": False,
    "poll": 0.5,
    "save_limit": 500,
    "label": "work",
    "ALT_CLUSTERS": {
        "training": {
            "workers": env.int("TRAINING_WORKERS", default=1),
            "timeout": TRAINING_TIMEOUT,
            "retry": TRAINING_TIMEOUT + 60,
            "max_attempts": 1,
            "scheduler": False,
        },
        "trials": {
            "workers": 1,
            "timeout": TRIAL_TIMEOUT + 300,
            "retry": TRIAL_TIMEOUT + 600,
            "max_attempts": 1,
            "scheduler": False,
        },
    },
}

# --- what is pluggable: dotted paths, so that only the training process loads torch ----------------------------------

# name: (title, factory); a factory takes exclusive= and random_state= and returns a scikit-learn classifier.
CLASSIFIERS = {
    "deep_segmentation": ("Deep segmentation", "segmentation.DeepSegmentation"),
    "combination": ("Combination of six quick ones", "segmentation.combining.Combination"),
    "bayesian_network": ("Bayesian network of differentiating factors", "segmentation.bayesian.BayesianNetwork"),
    "evolved_rules": ("Rules bred by a genetic algorithm", "segmentation.evolution.EvolvedRules"),
    "logistic_regression": ("Logistic regression", "segmentation.classical.logistic_regression"),
    "self_training": ("Logistic regression that teaches itself", "segmentation.classical.self_training"),
    "label_spreading": ("Labels spread to neighbours", "segmentation.classical.label_spreading"),
    "support_vectors": ("Support vector machine", "segmentation.classical.support_vectors"),
    "extra_trees": ("Extremely randomised trees", "segmentation.classical.extra_trees"),
    "random_forest": ("Random forest", "segmentation.classical.random_forest"),
    "gradient_boosting": ("Gradient boosting", "segmentation.classical.gradient_boosting"),
}
# media: a scikit-learn transformer from contents to features.
FEATURES = {
    "text": "segmentation.features.TextFeatures",
    "image": "segmentation.features.ImageFeatures",
    "audio": "segmentation.features.AudioFeatures",
    "record": "segmentation.features.RecordFeatures",
}
# media: a pretrained encoder in its place, by folder or by a name that was fetched before; "" is none.
ENCODERS = {
    "text": env.str("TEXT_ENCODER", default=""),
    "image": env.str("IMAGE_ENCODER", default=""),
    "audio": env.str("AUDIO_ENCODER", default=""),
}
ENCODER_DOWNLOAD = env.bool("ENCODER_DOWNLOAD", default=False)  # whether a run may fetch an encoder that is missing
PRETRAINED = {
    "text": "segmentation.features.PretrainedTextFeatures",
    "image": "segmentation.features.PretrainedImageFeatures",
    "audio": "segmentation.features.PretrainedAudioFeatures",
}
# What was read of each item, so that it is read once; may be deleted at any time.
ENCODINGS = HOME / "cache" / "encodings.sqlite3"
ENCODINGS_LIMIT = env.int("ENCODINGS_LIMIT", default=4 * 2**30)  # bytes; beyond, the oldest are forgotten

# --- the REST API ----------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "labeling.api.refusals.reply",
    "URL_FORMAT_OVERRIDE": None,  # `format` names the export's format
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Closecall",
    "VERSION": "1",
    "DESCRIPTION": "Label items with people and a classifier: every refusal is {code, message, field?, row?}.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "ENUM_NAME_OVERRIDES": {
        "ProjectState": "labeling.models.Project.State",
        "QueryState": "labeling.models.Query.State",
        "AssignmentState": "labeling.models.Assignment.State",
        "RunState": "labeling.models.TrainingRun.State",
        "Watch": "labeling.models.Watch",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
