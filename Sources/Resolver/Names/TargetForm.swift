public import Fabric

/// What the text of a target says: a way, or a name to which ways must be found.
public enum TargetForm: Sendable, Equatable {
    /// `jis:org:service@host`.
    case name(JISName)
    /// An `.aint` name, or a short name that only a directory or a name service knows; in lower case.
    case alias(String)
    /// A way, in its carrier's own terms.
    case route(Route)

    /// Tells what `text` is.
    ///
    /// - Parameters:
    ///   - transport: The transport that was insisted on; the text may then be in that transport's own form. One that is
    ///     not built in belongs to a plug-in, which gets the text as it is, unless it is a name.
    ///   - builtIn: The schemes of the built-in carriers.
    public init(parsing text: String, transport: String? = nil, builtIn: Set<String>) throws(NameError) {
        guard !text.isEmpty, text.utf8.count <= 4096, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
            throw Self.noTarget(text, "it is empty, too long, or holds a control character")
        }
        if text.lowercased().hasPrefix("jis:") {
            self = .name(try JISName(parsing: text))
        } else if let transport {
            self = try Self.form(of: text, for: transport, builtIn)
        } else {
            self = try Self.form(of: text, builtIn)
        }
    }

    /// The name as it is looked up in directories; nil for a way.
    public var nameText: String? {
        switch self {
        case .name(let name): name.description
        case .alias(let name): name
        case .route: nil
        }
    }

    /// Where the name lives: what a name service is asked for. Nil for a way.
    public var host: HostPart? {
        switch self {
        case .name(let name): name.host
        case .alias(let name): Self.host(ofAlias: name)
        case .route: nil
        }
    }

    /// A short name is an `.aint` name without its ending; one with dots may be a host's.
    private static func host(ofAlias name: String) -> HostPart? {
        if name.hasSuffix(".aint") || !name.contains(".") {
            let label = name.hasSuffix(".aint") ? String(name.dropLast(5)) : name
            return HostPart.isAint(label) ? .aint(label) : nil
        }
        return try? HostPart(parsing: name)
    }

    private static func form(of text: String, _ builtIn: Set<String>) throws(NameError) -> TargetForm {
        if let mailbox = try RouteText.mailbox(text) { return .route(mailbox) }
        if let scheme = scheme(of: text) {
            if ["http", "https", "scp"].contains(scheme) { return .route(try RouteText.url(text, scheme)) }
            guard builtIn.contains(scheme) else {
                throw noTarget(
                    text, "no transport '\(scheme)' is built in",
                    remedy: "for a plug-in of that name add --transport \(scheme)")
            }
            return .route(Route(scheme: scheme, address: text))
        }
        if ["http:", "https:", "scp:"].contains(where: { text.lowercased().hasPrefix($0) }) {
            throw noTarget(text, "'//' is missing after the scheme")
        }
        if let route = try RouteText.secureCopy(text) { return .route(route) }
        if text.contains("/") || text == "." || text == ".." { return .route(Route(scheme: "local", address: text)) }
        if let alias = shortName(text) { return alias }
        throw noTarget(text, "it is neither a name, a URL, HOST:PATH nor a directory with a slash in it")
    }

    private static func form(
        of text: String, for transport: String, _ builtIn: Set<String>
    ) throws(NameError) -> TargetForm {
        let scheme = scheme(of: text)
        switch transport {
        case "local": return .route(Route(scheme: "local", address: text))
        case "http", "https":
            if let scheme {
                guard scheme == "https" || scheme == transport else { throw wrongForm(text, transport) }
                return .route(try RouteText.url(text, scheme))
            }
            if let alias = shortName(text) { return alias }
            guard text.contains(":"), !text.contains("/") else { throw wrongForm(text, transport) }
            return .route(try RouteText.url("\(transport)://\(text)", transport))
        case "scp":
            if scheme == "scp" { return .route(try RouteText.url(text, "scp")) }
            if scheme == nil, let route = try RouteText.secureCopy(text) { return .route(route) }
            guard let alias = shortName(text) else { throw wrongForm(text, transport) }
            return alias
        default:
            if let mailbox = try RouteText.mailbox(text), mailbox.scheme == transport { return .route(mailbox) }
            let isName = builtIn.contains(transport) || text.lowercased().hasSuffix(".aint")
            if isName, let alias = shortName(text) { return alias }
            if transport == "ipoll" || transport == "mux" && text.contains("#") {
                return .route(try RouteText.route(transport: transport, address: text))
            }
            return .route(Route(scheme: transport, address: text))
        }
    }

    /// What stands before `://`, in lower case; nil where nothing of that form does.
    static func scheme(of text: String) -> String? {
        let scheme = text.prefix { $0 != ":" }
        guard text.dropFirst(scheme.count).hasPrefix("://"), let first = scheme.utf8.first,
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first | 0x20),
            scheme.utf8.allSatisfy({ byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.".utf8.contains(byte)
            })
        else { return nil }
        return scheme.lowercased()
    }

    private static func shortName(_ text: String) -> TargetForm? {
        let lowered = text.lowercased()
        guard !lowered.hasPrefix("-"), lowered.utf8.count <= 253, HostPart.isAint(lowered) else { return nil }
        return .alias(lowered)
    }

    private static func wrongForm(_ text: String, _ transport: String) -> NameError {
        let form =
            switch transport {
            case "scp": "write [USER@]HOST:PATH or scp://[USER@]HOST[:PORT]/PATH"
            case "https": "write https://HOST[:PORT]"
            default: "write http://HOST[:PORT], https://HOST[:PORT] or HOST:PORT"
            }
        return NameError(.noTarget, "'\(PlainText.line(text))' is no target for \(transport)", remedy: form)
    }

    private static func noTarget(_ text: String, _ why: String, remedy: String? = nil) -> NameError {
        NameError(
            .noTarget, "'\(PlainText.line(text))' is no target: \(why)",
            remedy: remedy
                ?? "write jis:ORG:SERVICE@HOST, http://HOST:PORT, https://HOST:PORT, [USER@]HOST:PATH, or a directory "
                + "with a slash in it")
    }
}
