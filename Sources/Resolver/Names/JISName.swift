/// `jis:<org>:<service>@<host>`, with `:<port>` after the host where one is needed (`ains.md`, section 1).
public struct JISName: Hashable, Sendable, CustomStringConvertible {
    /// The organisation.
    public let organisation: String
    /// The service.
    public let service: String
    /// Where it lives.
    public let host: HostPart
    /// The port that the service listens on; nil for the transport's own.
    public let port: Int?

    /// Reads a name as a person writes it to say where something goes. Nothing is forgiven but the case of the host:
    /// organisation and service have 1 to 64 of `[a-z0-9-_.]` each, with one `:` between them, and the host is a DNS
    /// name, an IPv4 address, an IPv6 address in brackets, or an `.aint` name.
    public init(parsing text: String) throws(NameError) {
        guard text.utf8.starts(with: "jis:".utf8) else {
            throw NameError(
                .noDID, "'\(PlainText.line(text))' is no name: it does not begin with 'jis:' in lower case",
                remedy: Self.form)
        }
        let rest = text.dropFirst(4)
        guard let at = rest.lastIndex(of: "@") else {
            throw NameError(.noHost, "'\(PlainText.line(text))' names no host: '@HOST' is missing", remedy: Self.form)
        }
        let parts = rest[..<at].split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy(Self.isPart) else {
            throw NameError(
                .badPart,
                "'\(PlainText.line(text))' is no name: organisation and service have 1 to 64 of a-z, 0-9, '-', '_' "
                    + "and '.', with one ':' between them", remedy: Self.form)
        }
        let (host, port) = try Self.splitPort(rest[rest.index(after: at)...])
        organisation = String(parts[0])
        service = String(parts[1])
        self.host = try HostPart(parsing: host)
        self.port = port
    }

    public var description: String {
        "jis:\(organisation):\(service)@\(host)" + (port.map { ":\($0)" } ?? "")
    }

    private static let form = "write jis:ORG:SERVICE@HOST, for example jis:acme:ci@build.example"

    private static func isPart(_ text: Substring) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_.".utf8.contains(byte)
            }
    }

    /// Host and port; a colon inside brackets belongs to the address.
    private static func splitPort(_ text: Substring) throws(NameError) -> (host: String, port: Int?) {
        let start = text.lastIndex(of: "]").map { text.index(after: $0) } ?? text.startIndex
        let isOpen = text.hasPrefix("[") && start == text.startIndex
        guard let colon = text[start...].firstIndex(of: ":"), !isOpen else { return (String(text), nil) }
        // More than one colon is an address without its brackets, which is no host.
        guard colon == text[start...].lastIndex(of: ":") else { return (String(text), nil) }
        let digits = text[text.index(after: colon)...]
        guard let port = PortNumber.parse(digits) else {
            throw NameError(
                .badPort, "'\(PlainText.line(digits))' is no port", remedy: "write a number from 1 to 65535")
        }
        return (String(text[..<colon]), port)
    }
}

/// TCP ports as text.
enum PortNumber {
    /// The port that `text` spells in 1 to 5 digits without zeros before it; nil for anything else.
    static func parse(_ text: some StringProtocol) -> Int? {
        guard (1...5).contains(text.utf8.count), !text.hasPrefix("0"),
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let port = Int(text), port <= 65535
        else { return nil }
        return port
    }
}
