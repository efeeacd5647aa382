"""Copies files out of one wheel of the package index that pip is configured with.

usage: fetch-wheel.py INDEX-URL PROJECT WHEEL MEMBER=DESTINATION...

For wheels that pip refuses because of their metadata. The project's page in the index ("simple" repository interface,
PEP 503) names the wheel's address and SHA-256; the wheel is verified before any file is copied. A MEMBER is the end of a
path inside the wheel. PIP_CERT and the usual proxy variables apply; INDEX-URL may contain user and password, which are never
printed.
"""

import base64
import hashlib
import html.parser
import io
import os
import re
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile

LARGEST_WHEEL = 256 * 1024 * 1024
LARGEST_PAGE = 16 * 1024 * 1024
TIMEOUT_SECONDS = 60


def fail(message):
    sys.exit(f"fetch-data: {message}")


class Links(html.parser.HTMLParser):
    """The targets of all links of a page."""

    def __init__(self):
        super().__init__()
        self.targets = []

    def handle_starttag(self, tag, attributes):
        target = dict(attributes).get("href")
        if tag == "a" and target:
            self.targets.append(target)


class Index:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.host = parts.netloc.rpartition("@")[2]
        self.url = urllib.parse.urlunsplit(parts._replace(netloc=self.host)).rstrip("/") + "/"
        self.authorization = None
        if parts.username is not None:
            user = urllib.parse.unquote(parts.username)
            password = urllib.parse.unquote(parts.password or "")
            self.authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.context = ssl.create_default_context(cafile=os.environ.get("PIP_CERT") or None)

    def read(self, url, limit):
        """The bytes at `url`; credentials are sent to the index's own host only."""
        request = urllib.request.Request(url, headers={"Accept": "text/html, */*;q=0.1"})
        if self.authorization and urllib.parse.urlsplit(url).netloc == self.host:
            request.add_unredirected_header("Authorization", self.authorization)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=self.context) as response:
                data = response.read(limit + 1)
        except (urllib.error.URLError, OSError) as error:
            fail(f"cannot read {url}: {getattr(error, 'reason', error)}")
        if len(data) > limit:
            fail(f"{url} is larger than {limit} bytes")
        return data

    def wheel(self, project, name):
        page_url = urllib.parse.urljoin(self.url, re.sub(r"[-_.]+", "-", project).lower() + "/")
        links = Links()
        links.feed(self.read(page_url, LARGEST_PAGE).decode("utf-8", "replace"))
        for target in links.targets:
            url, fragment = urllib.parse.urldefrag(urllib.parse.urljoin(page_url, target))
            if urllib.parse.unquote(url.rpartition("/")[2]).lower() == name.lower():
                break
        else:
            fail(f"the package index has no {name}")
        data = self.read(url, LARGEST_WHEEL)
        algorithm, _, digest = fragment.partition("=")
        if algorithm == "sha256" and hashlib.sha256(data).hexdigest() != digest:
            fail(f"{name} does not have the SHA-256 that the package index gives")
        return zipfile.ZipFile(io.BytesIO(data))


def main():
    if len(sys.argv) < 5:
        fail("usage: fetch-wheel.py INDEX-URL PROJECT WHEEL MEMBER=DESTINATION...")
    index_url, project, name = sys.argv[1:4]
    wheel = Index(index_url).wheel(project, name)
    for pair in sys.argv[4:]:
        member, _, destination = pair.partition("=")
        paths = [p for p in wheel.namelist() if p.endswith("/" + member) and "__MACOSX" not in p]
        if len(paths) != 1:
            fail(f"{name} holds {len(paths)} files named {member}, not one")
        with wheel.open(paths[0]) as source, open(destination, "wb") as target:
            while block := source.read(1 << 20):
                target.write(block)


if __name__ == "__main__":
    main()
