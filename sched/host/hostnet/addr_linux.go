package hostnet

import (
	"errors"
	"net"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// toAddr returns what package net would say of the kernel's address.
func toAddr(network string, sa unix.Sockaddr) net.Addr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return ipAddr(network, append(net.IP(nil), sa.Addr[:]...), sa.Port, "")
	case *unix.SockaddrInet6:
		zone := ""
		if sa.ZoneId != 0 {
			zone = strconv.Itoa(int(sa.ZoneId))
			if in, err := net.InterfaceByIndex(int(sa.ZoneId)); err == nil {
				zone = in.Name
			}
		}
		return ipAddr(network, append(net.IP(nil), sa.Addr[:]...), sa.Port, zone)
	case *unix.SockaddrUnix:
		return &net.UnixAddr{Name: sa.Name, Net: network}
	}
	return nil
}

func ipAddr(network string, ip net.IP, port int, zone string) net.Addr {
	if network == "udp" {
		return &net.UDPAddr{IP: ip, Port: port, Zone: zone}
	}
	return &net.TCPAddr{IP: ip, Port: port, Zone: zone}
}

// errMissingAddress is package net's error for a nil address.
var errMissingAddress = errors.New("missing address")

// fromAddr returns the kernel's address for a socket to send to. The socket's own address is
// local. It looks at no descriptor, since that may be closed. The errors are package net's.
func fromAddr(local, to net.Addr) (unix.Sockaddr, error) {
	switch own := local.(type) {
	case *net.UDPAddr:
		if to, ok := to.(*net.UDPAddr); ok {
			if to == nil {
				return nil, errMissingAddress
			}
			return fromUDPAddr(len(own.IP) == net.IPv4len, to)
		}
	case *net.UnixAddr:
		if to, ok := to.(*net.UnixAddr); ok {
			if to == nil {
				return nil, errMissingAddress
			}
			if to.Net != own.Net {
				return nil, syscall.EAFNOSUPPORT
			}
			return &unix.SockaddrUnix{Name: to.Name}, nil
		}
	}
	return nil, syscall.EINVAL
}

// fromUDPAddr returns the kernel's address for to. v4 says that the socket is one of IPv4. No
// IP, or 0.0.0.0, means this host, in either family.
func fromUDPAddr(v4 bool, to *net.UDPAddr) (unix.Sockaddr, error) {
	unset := len(to.IP) == 0 || to.IP.Equal(net.IPv4zero)
	if v4 {
		ip := to.IP.To4()
		switch {
		case unset:
			ip = net.IPv4zero.To4()
		case ip == nil:
			return nil, &net.AddrError{Err: "non-IPv4 address", Addr: to.IP.String()}
		}
		return &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(ip)}, nil
	}
	ip := to.IP.To16()
	switch {
	case unset:
		ip = net.IPv6zero
	case ip == nil:
		return nil, &net.AddrError{Err: "non-IPv6 address", Addr: to.IP.String()}
	}
	sa := &unix.SockaddrInet6{Port: to.Port, Addr: [16]byte(ip)}
	if to.Zone != "" {
		if in, err := net.InterfaceByName(to.Zone); err == nil {
			sa.ZoneId = uint32(in.Index)
		} else { // it may be the number itself
			id, _ := strconv.ParseUint(to.Zone, 10, 32)
			sa.ZoneId = uint32(id)
		}
	}
	return sa, nil
}

// sender returns what package net says of the one who sent a packet: nil if it has no address.
func sender(network string, sa unix.Sockaddr) net.Addr {
	if sa, ok := sa.(*unix.SockaddrUnix); ok && sa.Name == "" {
		return nil
	}
	return toAddr(network, sa)
}
