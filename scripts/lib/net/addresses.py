"""Where a connection may lead: http and https, to public addresses alone, whatever a link, a redirect or DNS says."""

import ipaddress
import socket
from urllib.parse import urlsplit

import requests

from scripts.lib.errors import UserError
from scripts.lib.net.connections import Adapter

NAT64 = ipaddress.ip_network("64:ff9b::/96")
RESERVED = [ipaddress.ip_network(network) for network in ("64:ff9b:1::/48", "::/96")]
"""NAT64 within somebody's network, and IPv4 in the oldest way to write it: public to Python's registry of 3.11."""


class AddressError(UserError):
    """An address that must not be opened."""


def check_url(url: str, allow_private: bool) -> None:
    """Raises AddressError for anything but http and https, for a user name in the address, and for a host that is, by
    its digits alone, not public. Names are judged when they are connected to: see `guarded`."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise AddressError("is not a web address") from None
    if parts.scheme not in ("http", "https") or not host:
        raise AddressError(f"is not an http or https address (it begins with {parts.scheme[:20]!r})")
    if parts.username is not None or parts.password is not None:
        raise AddressError("holds a user name, which no link to a file needs")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return
    if not allow_private and not public(address):
        raise AddressError(f"leads to {host}, which is no public address; network.allow_private would allow it")


def public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is reachable from anywhere: not this machine, its networks, or a reserved range."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner:
            return public(inner)
        if any(address in network for network in RESERVED):
            return False
    return address.is_global and not address.is_multicast


class _Public:
    """Part of a connection: refuses its peer before a byte is sent to it, so that no name can hide an address."""

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        peer = sock.getpeername()[0]
        if not self.proxy and not public(ipaddress.ip_address(peer.partition("%")[0])):
            sock.close()
            raise AddressError(f"leads to {peer}, which is no public address; network.allow_private would allow it")
        return sock


class _Guard(Adapter):
    def __init__(self) -> None:
        super().__init__(_Public)

    def send(self, request, proxies=None, **options):
        if proxies and requests.utils.select_proxy(request.url, proxies):
            _resolves_publicly(urlsplit(request.url).hostname)  # the proxy connects; its own word is not asked
        return super().send(request, proxies=proxies, **options)


def _resolves_publicly(host: str) -> None:
    """Raises AddressError where a name leads to a private address from here; behind a proxy, it may lead nowhere."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        return
    for address in found:
        if not public(ipaddress.ip_address(address.partition("%")[0])):
            raise AddressError(f"leads to {address}, which is no public address; network.allow_private would allow it")


def guarded(session: requests.Session, allow_private: bool) -> requests.Session:
    """The session, which from now on connects to public addresses alone (AddressError), on every redirect too."""
    adapter = Adapter() if allow_private else _Guard()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session
