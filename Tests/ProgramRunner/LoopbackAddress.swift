import Glibc

/// Addresses of this machine that nothing outside can reach.
enum LoopbackAddress {
    /// 127.0.0.1 with `port`.
    static func make(port: in_port_t) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        return address
    }

    /// A socket that is bound to a port which the system picked.
    static func bind() throws -> (socket: Int32, port: Int) {
        let descriptor = socket()
        var address = make(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                Glibc.bind(descriptor, address, length) == 0 ? getsockname(descriptor, address, &length) : -1
            }
        }
        guard code == 0 else {
            close(descriptor)
            throw Program.Overdue(description: "no port can be had")
        }
        return (descriptor, Int(in_port_t(bigEndian: address.sin_port)))
    }

    /// A socket that children do not inherit.
    static func socket() -> Int32 {
        Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    }

    /// Breaks the connection of `descriptor`, which the other side is told at once.
    static func reset(_ descriptor: Int32) {
        var nowhere = sockaddr()
        nowhere.sa_family = sa_family_t(AF_UNSPEC)
        _ = Glibc.connect(descriptor, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
    }

    /// Connects `descriptor` to `port`; says whether that worked.
    static func connect(_ descriptor: Int32, to port: in_port_t) -> Bool {
        var address = make(port: port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

/// Ports that nobody listens on.
public enum FreePort {
    /// One that the system has just picked.
    public static func find() throws -> Int {
        let (descriptor, port) = try LoopbackAddress.bind()
        close(descriptor)
        return port
    }
}
