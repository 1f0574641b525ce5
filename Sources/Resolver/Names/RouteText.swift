internal import Fabric
internal import HubClient

/// Ways as text: URLs, `[user@]host:path`, directories. Whatever is read here may have come from elsewhere, so that a
/// text which a program further down could take for an option, or for two lines, is refused.
enum RouteText {
    /// The longest text that is taken, in bytes.
    static let longest = 2048

    /// The route that a line of a directory or a record means.
    static func route(_ text: String) throws(NameError) -> Route {
        if let mailbox = try mailbox(text) { return mailbox }
        if let scheme = TargetForm.scheme(of: text) {
            guard ["http", "https", "scp"].contains(scheme) else {
                throw unusable(text, "nothing is known of '\(scheme)'", "write it as { transport, address }")
            }
            return try url(text, scheme)
        }
        if text.hasPrefix("/") { return Route(scheme: "local", address: try checked(text)) }
        if let route = try secureCopy(text) { return route }
        throw unusable(text, "it is neither a URL, [USER@]HOST:PATH nor an absolute directory", nil)
    }

    /// The route with this transport and address, of which the forms that are known are checked.
    static func route(transport: String, address: String) throws(NameError) -> Route {
        guard isTransport(transport) else {
            throw unusable(transport, "a transport has 1 to 32 of a-z, 0-9, '-' and '_'", nil)
        }
        switch transport {
        case "http", "https":
            guard let scheme = TargetForm.scheme(of: address), ["http", "https"].contains(scheme) else {
                throw unusable(address, "it is no URL of http or https", nil)
            }
            return try url(address, scheme)
        case "scp":
            if TargetForm.scheme(of: address) == "scp" { return try url(address, "scp") }
            guard let route = try secureCopy(address) else { throw unusable(address, "it names no host and path", nil) }
            return route
        case "mux", "ipoll": return try mailbox(transport, address)
        default: return Route(scheme: transport, address: try checked(address))
        }
    }

    /// The mailbox that `mux:URL#AGENT` or `ipoll:URL#AGENT` names; nil for a text of another form.
    static func mailbox(_ text: String) throws(NameError) -> Route? {
        for scheme in ["mux", "ipoll"] where text.lowercased().hasPrefix(scheme + ":http") {
            return try mailbox(scheme, String(text.dropFirst(scheme.utf8.count + 1)))
        }
        return nil
    }

    private static func mailbox(_ scheme: String, _ address: String) throws(NameError) -> Route {
        do throws(CarrierError) {
            let mailbox = try HubRoute(Route(scheme: scheme, address: address), scheme: scheme)
            return Route(scheme: scheme, address: "\(mailbox.address)#\(mailbox.agent)")
        } catch {
            throw NameError(.noTarget, error.explanation, remedy: error.remedy)
        }
    }

    /// Whether `text` can name a transport, and with it a program.
    static func isTransport(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count) && !text.hasPrefix("-")
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_".utf8.contains(byte)
            }
    }

    /// The route of a URL with that scheme, which has been read off it.
    static func url(_ text: String, _ scheme: String) throws(NameError) -> Route {
        guard text.utf8.count <= longest, PlainText.isGraphic(text) else {
            throw unusable(text, "it is too long, or holds a character that no URL has", nil)
        }
        let rest = text.dropFirst(scheme.count + 3)
        if scheme != "scp", let mark = rest.first(where: { $0 == "?" || $0 == "#" }) {
            // What stands there would be stored and shown, and an inbox has no use for it.
            throw NameError(
                .noTarget, "an address of an inbox holds a '\(mark)'",
                remedy: mark == "#"
                    ? "for the mailbox of an agent write ipoll:URL#AGENT or mux:URL#AGENT" : "write http://HOST:PORT")
        }
        var authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if let at = authority.lastIndex(of: "@") {
            guard scheme == "scp" else {
                // The text is not repeated: it may hold a password.
                throw NameError(
                    .noTarget, "an address of an inbox holds a user name; deliveries are signed, not logged in",
                    remedy: "write \(scheme)://HOST:PORT")
            }
            try checkUser(authority[..<at], in: text)
            authority = authority[authority.index(after: at)...]
        }
        try checkHost(authority, in: text)
        return Route(scheme: scheme, address: text)
    }

    /// `[user@]host:path` as scp takes it: a colon before any slash. Nil when it has no such colon.
    static func secureCopy(_ text: String) throws(NameError) -> Route? {
        var head = text.prefix { $0 != "/" }
        let at = head.lastIndex(of: "@")
        let hostStart = at.map { head.index(after: $0) } ?? head.startIndex
        let isBracketed = head[hostStart...].hasPrefix("[")
        guard let end = isBracketed ? text[hostStart...].firstIndex(of: "]") : hostStart else { return nil }
        guard let colon = text[end...].firstIndex(of: ":"), isBracketed || head.indices.contains(colon) else {
            return nil
        }
        head = text[..<colon]
        guard text.utf8.count <= longest, !head.isEmpty, PlainText.isGraphic(head) else {
            throw unusable(text, "what stands before the ':' is no host", nil)
        }
        if let at { try checkUser(text[..<at], in: text) }
        try checkHost(text[hostStart..<colon], in: text)
        guard text.index(after: colon) < text.endIndex else {
            throw unusable(text, "nothing stands after the ':'", "name the directory, for example HOST:/var/lib/inbox")
        }
        return Route(scheme: "scp", address: try checked(text))
    }

    private static func checkUser(_ user: Substring, in text: String) throws(NameError) {
        guard !user.contains(":") else {
            // The text is not repeated, since it holds the password.
            throw NameError(.noTarget, "the address holds a password", remedy: "use a key, and write [USER@]HOST:PATH")
        }
        guard !user.isEmpty, !user.hasPrefix("-"), PlainText.isGraphic(user) else {
            throw unusable(text, "'\(PlainText.line(user))' is no user name", nil)
        }
    }

    private static func checkHost(_ host: Substring, in text: String) throws(NameError) {
        let port = host.hasPrefix("[") ? host.drop { $0 != "]" }.dropFirst() : host.drop { $0 != ":" }
        guard port.isEmpty || PortNumber.parse(port.dropFirst()) != nil else {
            throw unusable(text, "'\(PlainText.line(port.dropFirst()))' is not a port from 1 to 65535", nil)
        }
        guard !host.isEmpty, !host.hasPrefix("-"), !host.hasPrefix(":"), PlainText.isGraphic(host),
            !host.contains("@"), !host.utf8.contains(where: { "\"'<>\\^`{|};&$()*!".utf8.contains($0) })
        else { throw unusable(text, "'\(PlainText.line(host))' is no host", nil) }
    }

    private static func checked(_ text: String) throws(NameError) -> String {
        guard (1...longest).contains(text.utf8.count), !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
            throw unusable(text, "it is empty, too long, or holds a control character", nil)
        }
        return text
    }

    private static func unusable(_ text: String, _ why: String, _ remedy: String?) -> NameError {
        NameError(.noTarget, "'\(PlainText.line(text))' is no route: \(why)", remedy: remedy)
    }
}
