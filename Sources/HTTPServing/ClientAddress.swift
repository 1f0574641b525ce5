internal import Glibc
package import NIOCore

/// Where a connection comes from, as limits count it.
package enum ClientAddress {
    /// The IPv4 address, or of an IPv6 address the network of 64 bits that one subscriber has; `unknown` where there is
    /// neither. A stream's connection is its parent.
    package static func counted(of channel: any Channel) -> String {
        (channel.remoteAddress ?? channel.parent?.remoteAddress)?.ipAddress.map { counted($0) } ?? "unknown"
    }

    /// The same for an address as text.
    package static func counted(_ address: String) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        // Without the name of an interface (`fe80::1%eth0`).
        let text = String(address.prefix { $0 != "%" })
        guard inet_pton(AF_INET6, text, &bytes) == 1 else { return address }
        let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
        if isMapped { return bytes.suffix(4).map(String.init).joined(separator: ".") }
        return stride(from: 0, to: 8, by: 2).map { index in
            String(Int(bytes[index]) << 8 | Int(bytes[index + 1]), radix: 16)
        }.joined(separator: ":") + "::/64"
    }
}
