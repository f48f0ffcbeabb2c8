package hostnet

import (
	"fmt"
	"net"
	"strconv"

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

// fromAddr returns the kernel's address for f's socket to send to.
func fromAddr(f *file, addr net.Addr) (unix.Sockaddr, error) {
	switch a := addr.(type) {
	case *net.UDPAddr:
		own, err := unix.Getsockname(f.fd)
		if err != nil {
			return nil, err
		}
		if _, ok := own.(*unix.SockaddrInet4); ok {
			ip := a.IP.To4()
			if ip == nil {
				return nil, &net.AddrError{Err: "non-IPv4 address", Addr: a.IP.String()}
			}
			return &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(ip)}, nil
		}
		ip := a.IP.To16()
		if ip == nil {
			return nil, &net.AddrError{Err: "non-IP address", Addr: a.IP.String()}
		}
		sa := &unix.SockaddrInet6{Port: a.Port, Addr: [16]byte(ip)}
		if a.Zone != "" {
			in, err := net.InterfaceByName(a.Zone)
			if err != nil {
				return nil, err
			}
			sa.ZoneId = uint32(in.Index)
		}
		return sa, nil
	case *net.UnixAddr:
		return &unix.SockaddrUnix{Name: a.Name}, nil
	}
	return nil, &net.AddrError{Err: fmt.Sprintf("a %T: want a *net.UDPAddr or a *net.UnixAddr", addr), Addr: fmt.Sprint(addr)}
}
