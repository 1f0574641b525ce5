internal import Glibc

/// Where a name lives: the part after its `@` (`ains.md`, section 1).
public enum HostPart: Hashable, Sendable, CustomStringConvertible {
    /// A DNS name in lower case, without a dot at its end.
    case dns(String)
    /// An IPv4 address in its four decimal parts.
    case ipv4(String)
    /// An IPv6 address in its shortest spelling, without brackets.
    case ipv6(String)
    /// An `.aint` name in lower case, without `.aint`.
    case aint(String)

    /// Reads a host without a port. Letters may be in either case; nothing else is forgiven.
    public init(parsing text: String) throws(NameError) {
        guard !text.isEmpty else {
            throw NameError(.emptyHost, "nothing stands after the '@'", remedy: "write jis:ORG:SERVICE@HOST")
        }
        guard text.utf8.count <= 253, PlainText.isGraphic(text) else {
            throw Self.unusable(text, "it is too long, or holds a character that no host name has")
        }
        let lowered = text.lowercased()
        if lowered.hasPrefix("[") {
            guard lowered.hasSuffix("]"), let address = Self.ipv6(String(lowered.dropFirst().dropLast())) else {
                throw Self.unusable(text, "what stands in brackets is no IPv6 address")
            }
            self = .ipv6(address)
        } else if lowered.hasSuffix(".aint") {
            let name = String(lowered.dropLast(5))
            guard Self.isAint(name) else {
                throw Self.unusable(text, "an .aint name has letters, digits, '-' and '_' between its dots")
            }
            self = .aint(name)
        } else if Self.looksNumeric(lowered) {
            guard Self.isIPv4(lowered) else { throw Self.unusable(text, "it is no IPv4 address") }
            self = .ipv4(lowered)
        } else {
            guard Self.isDNS(lowered) else {
                throw Self.unusable(text, "it is neither a DNS name, an address nor an .aint name")
            }
            self = .dns(lowered)
        }
    }

    /// The host as it is written in a name or a URL: IPv6 in brackets, `.aint` names with `.aint`.
    public var description: String {
        switch self {
        case .dns(let name): name
        case .ipv4(let address): address
        case .ipv6(let address): "[\(address)]"
        case .aint(let name): name + ".aint"
        }
    }

    /// The name that a name service is asked for: lower case, without `.aint` and without brackets.
    public var lookupName: String {
        switch self {
        case .dns(let text), .ipv4(let text), .ipv6(let text), .aint(let text): text
        }
    }

    /// Whether the host can be found without a name service.
    public var isReachableByAddress: Bool {
        if case .aint = self { false } else { true }
    }

    /// Whether `name`, in lower case and without `.aint`, has labels of 1 to 63 of `[a-z0-9_-]` between its dots.
    static func isAint(_ name: String) -> Bool {
        isLabelled(name) { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }

    private static func isDNS(_ name: String) -> Bool {
        isLabelled(name) { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
            && name.split(separator: ".").allSatisfy { !$0.hasPrefix("-") && !$0.hasSuffix("-") }
    }

    private static func isLabelled(_ name: String, _ allows: (UInt8) -> Bool) -> Bool {
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.allSatisfy { (1...63).contains($0.count) && $0.allSatisfy(allows) }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// Whether the last label is a number: such a text is an address or a mistake (RFC 3696, section 2).
    private static func looksNumeric(_ text: String) -> Bool {
        text.split(separator: ".").last?.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            ?? false
    }

    private static func isIPv4(_ text: String) -> Bool {
        var address = in_addr()
        return inet_pton(AF_INET, text, &address) == 1
    }

    private static func ipv6(_ text: String) -> String? {
        var address = in6_addr()
        guard inet_pton(AF_INET6, text, &address) == 1 else { return nil }
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, &address, &buffer, socklen_t(buffer.count)) != nil else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func unusable(_ text: String, _ why: String) -> NameError {
        NameError(
            .badHost, "'\(PlainText.line(text))' is no host: \(why)",
            remedy: "write a DNS name, an IPv4 address, an IPv6 address in brackets, or NAME.aint")
    }
}
