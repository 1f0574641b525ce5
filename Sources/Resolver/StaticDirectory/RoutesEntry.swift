internal import Fabric

/// One entry of a directory of routes: whom it is for, and what it says.
struct RoutesEntry: Sendable, Equatable {
    /// Whom an entry is for.
    enum Pattern: Sendable, Equatable {
        /// One name.
        case name(JISName)
        /// All names at one host.
        case host(HostPart)
        /// All names at hosts that end so, the dot included; empty for all hosts.
        case suffix(String)
    }

    /// A route, with or without `{…}` in it.
    struct Template: Sendable, Equatable {
        let transport: String?
        let address: String
    }

    let pattern: Pattern
    /// The pattern as it is written, for people.
    let title: String
    let routes: [Template]
    let key: PublicKey?
    let trust: Double?
    let aliases: [String]

    /// How well the entry fits, the higher the better; nil when it is not for that name.
    func fit(_ form: TargetForm) -> Int? {
        if let text = form.nameText, aliases.contains(text) { return 2000 }
        switch pattern {
        case .name(let name):
            guard case .name(let asked) = form, asked == name else { return nil }
            return 3000
        case .host(let host): return form.host == host ? 1000 : nil
        case .suffix(let suffix):
            guard let host = form.host, case .dns(let text) = host.withAint, text.hasSuffix(suffix),
                text.utf8.count > suffix.utf8.count
            else { return nil }
            return suffix.utf8.count
        }
    }
}

extension HostPart {
    /// The host as text that wildcards are compared with.
    fileprivate var withAint: HostPart {
        switch self {
        case .aint(let name): .dns(name + ".aint")
        default: self
        }
    }
}

extension RoutesEntry.Template {
    /// The route for a name, with what stands in braces filled in.
    ///
    /// - Throws: What is missing, or what is wrong with the outcome.
    func route(for form: TargetForm) throws(NameError) -> Route {
        var text = address
        var values: [(String, String?)] = [("{host}", form.host?.description)]
        if case .name(let name) = form {
            values += [("{org}", name.organisation), ("{service}", name.service)]
        } else {
            values += [("{org}", nil), ("{service}", nil)]
        }
        for (mark, value) in values where text.contains(mark) {
            guard let value else {
                throw NameError(.noTarget, "the target does not say what to put in the place of \(mark)", remedy: nil)
            }
            text = Self.replacing(mark, by: value, in: text)
        }
        guard let transport else { return try RouteText.route(text) }
        return try RouteText.route(transport: transport, address: text)
    }

    private static func replacing(_ mark: String, by value: String, in text: String) -> String {
        var (done, rest) = ("", text[...])
        while let range = rest.firstRange(of: mark) {
            done += rest[..<range.lowerBound] + value
            rest = rest[range.upperBound...]
        }
        return done + rest
    }
}
