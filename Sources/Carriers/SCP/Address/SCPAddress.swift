public import Fabric

/// Where an SCP route leads: a user at a host, and a directory there.
public struct SCPAddress: Hashable, Sendable {
    /// The user to log in as; nil for the one that the configuration of ssh names.
    public let user: String?
    /// A host name, an alias from the configuration of ssh, or an address; IPv6 without brackets.
    public let host: String
    /// The port; nil for the one that the configuration of ssh names.
    public let port: Int?
    /// The directory at the far side; a relative path begins in the user's home directory, which is `.`.
    public let directory: String

    /// Reads `[user@]host:path`, `[user@][v6]:path` or `scp://[user@]host[:port]/path`.
    ///
    /// In a URL the path is percent-encoded and absolute, but for `/~/path`. `~` and `~/path` mean the home directory.
    /// Nothing else in a path has a meaning: quotes, `$`, spaces and line feeds are parts of names.
    ///
    /// - Throws: `misconfigured`, with what is wrong with the text.
    public init(parsing text: String) throws(CarrierError) {
        do throws(Flaw) {
            guard !text.utf8.contains(0) else { throw Flaw("it holds a zero byte") }
            let scheme = "scp://"
            if text.lowercased().hasPrefix(scheme) {
                self = try Self(url: text.dropFirst(scheme.count))
            } else {
                self = try Self(short: text[...])
            }
        } catch {
            let shown = error.isSecret ? "" : " '\(text.prefix(200))'"
            throw CarrierError(
                .misconfigured, .waitForPerson, "cannot use the address\(shown): \(error.reason)",
                remedy: "write it as user@host:path or scp://user@host:port/path")
        }
    }

    private init(url rest: Substring) throws(Flaw) {
        guard let slash = rest.firstIndex(of: "/") else { throw Flaw("it names no directory") }
        let (user, place) = try Self.splitUser(rest[..<slash])
        guard !rest[slash...].contains(where: { $0 == "?" || $0 == "#" }) else {
            throw Flaw("it holds a query or a fragment; write ? as %3F and # as %23")
        }
        let (host, after) = try Self.splitHost(place)
        var port: Int?
        if let after {
            guard let number = Int(after), (1...65535).contains(number), after.utf8.allSatisfy(Self.isDigit) else {
                throw Flaw("'\(after)' is not a port")
            }
            port = number
        }
        let path = try Self.decode(rest[slash...])
        let isHome = path == "/~" || path.hasPrefix("/~/")
        try self.init(
            user: user.map(Self.decode), host: host, port: port, path: isHome ? String(path.dropFirst()) : path)
    }

    private init(short text: Substring) throws(Flaw) {
        for prefix in ["jis:", "http:", "https:", "sftp:", "ssh:", "mux:"] where text.lowercased().hasPrefix(prefix) {
            throw Flaw("'\(prefix)' begins a name or an address of another kind")
        }
        // As ssh's own programs see it: with a slash before the first colon it is a local path.
        let head = text.prefix { $0 != "/" }
        var user: String?
        var rest = text
        if let at = Self.endOfUser(head) {
            user = String(text[..<at])
            rest = text[text.index(after: at)...]
        }
        let (host, path) = try Self.splitHost(rest)
        guard let path else { throw Flaw("it names no directory: there is no colon after the host") }
        try self.init(user: user, host: host, port: nil, path: String(path))
    }

    private init(user: String?, host: String, port: Int?, path: String) throws(Flaw) {
        if let user { try Self.checkUser(user) }
        try Self.checkHost(host)
        self.user = user
        self.host = host
        self.port = port
        directory = try Self.directory(path)
    }

    /// Why a text is not an address.
    struct Flaw: Error {
        let reason: String
        /// Whether the text holds what must not be shown.
        let isSecret: Bool

        init(_ reason: String, isSecret: Bool = false) {
            self.reason = reason
            self.isSecret = isSecret
        }
    }
}

extension SCPAddress {
    /// The last `@` before the colon, or bracket, that ends or begins the host.
    private static func endOfUser(_ head: Substring) -> Substring.Index? {
        let limit = head.firstIndex(of: ":") ?? head.endIndex
        let bracket = head.firstRange(of: "@[")?.lowerBound
        return bracket.flatMap { $0 < limit ? $0 : nil } ?? head[..<limit].lastIndex(of: "@")
    }

    private static func splitUser(_ authority: Substring) throws(Flaw) -> (user: Substring?, place: Substring) {
        guard let at = authority.lastIndex(of: "@") else { return (nil, authority) }
        let user = authority[..<at]
        guard !user.contains(":") else { throw Flaw("it holds a password; use a key", isSecret: true) }
        return (user, authority[authority.index(after: at)...])
    }

    /// The host, without brackets, and what follows the colon after it.
    private static func splitHost(_ text: Substring) throws(Flaw) -> (host: String, rest: Substring?) {
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { throw Flaw("a bracket is not closed") }
            let host = String(text[text.index(after: text.startIndex)..<close])
            let rest = text[text.index(after: close)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw Flaw("something else than a colon follows ']'") }
            return (host, rest.isEmpty ? nil : rest.dropFirst())
        }
        guard let colon = text.firstIndex(of: ":") else { return (String(text), nil) }
        let host = text[..<colon]
        guard !host.contains("/") else { throw Flaw("it is a local path: a slash stands before the colon") }
        return (String(host), text[text.index(after: colon)...])
    }

    /// What ssh allows, and so what may be handed to it and to proxy commands: nothing that a shell reads as its own.
    private static func checkHost(_ host: String) throws(Flaw) {
        guard !host.isEmpty else { throw Flaw("it names no host") }
        guard host.utf8.count <= 255, !host.hasPrefix("-"),
            host.utf8.allSatisfy({ isLetter($0) || isDigit($0) || ".-_:%".utf8.contains($0) })
        else { throw Flaw("'\(host.prefix(80))' is not the name of a host") }
    }

    private static func checkUser(_ user: String) throws(Flaw) {
        guard !user.isEmpty, user.utf8.count <= 255, !user.hasPrefix("-"),
            user.utf8.allSatisfy({ isLetter($0) || isDigit($0) || ".-_@+".utf8.contains($0) })
        else { throw Flaw("'\(user.prefix(80))' is not the name of a user") }
    }

    private static func directory(_ path: String) throws(Flaw) -> String {
        if path.isEmpty || path == "~" || path == "~/" { return "." }
        if path.hasPrefix("~/") { return try directory(String(path.dropFirst(2).drop { $0 == "/" })) }
        guard !path.hasPrefix("~") else {
            throw Flaw("other users' home directories are not looked up; write the whole path, or './~' for a name")
        }
        guard path.utf8.count <= 3000 else { throw Flaw("the path is too long") }
        // A program at the far side would take it for an option.
        return path.hasPrefix("-") ? "./" + path : path
    }

    private static func decode(_ text: Substring) throws(Flaw) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self).lowercased()
            guard let value = Hex.decode(digits, count: 1)?.first, value != 0 else {
                throw Flaw("'%\(digits)' is not an encoded character")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else { throw Flaw("it is not UTF-8") }
        return decoded
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
