internal import Fabric
internal import SystemPackage
internal import TOMLKit

/// A directory of routes that somebody keeps by hand: `routes.toml` (`docs/resolver.md`).
struct RoutesFile: Sendable {
    let path: FilePath
    let entries: [RoutesEntry]

    /// The largest file that is read, in bytes.
    static let sizeLimit = 4 << 20

    /// Reads the text of the file.
    init(parsing text: String, path: FilePath) throws(RoutesFileError) {
        guard !text.utf8.contains(0) else { throw RoutesFileError(path, "it holds a NUL") }
        let table: TOMLTable
        do {
            table = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            throw RoutesFileError(path, line: error.source.begin.line, PlainText.line(error.description))
        } catch {
            throw RoutesFileError(path, "it is no TOML")
        }
        let reader = RoutesReader(path: path, lines: RoutesLines(text))
        self.path = path
        entries = try reader.entries(table)
    }

    /// The entry that fits best; nil when none does. A name goes before an alias, an alias before a host, a host before
    /// a wildcard, and a longer wildcard before a shorter one.
    func entry(for form: TargetForm) -> RoutesEntry? {
        var best: (fit: Int, entry: RoutesEntry)?
        for entry in entries {
            if let fit = entry.fit(form), fit > best?.fit ?? -1 { best = (fit, entry) }
        }
        return best?.entry
    }
}

/// Where things stand in the text, as far as that can be told without a parser that says so.
struct RoutesLines {
    private let lines: [Substring]

    init(_ text: String) {
        // CR LF is one character.
        lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    }

    /// The line of the header of the target `title`.
    func header(of title: String) -> Int? {
        lines.firstIndex { line in
            let trimmed = line.drop { $0 == " " || $0 == "\t" }
            return trimmed.hasPrefix("[")
                && (trimmed.contains("\"\(title)\"") || trimmed.contains("'\(title)'")
                    || trimmed.contains(".\(title)]"))
        }.map { $0 + 1 }
    }

    /// The line of a key: in the target `title`, or above all targets.
    func key(_ key: String, of title: String?) -> Int? {
        let start = title.map { header(of: $0) ?? lines.count } ?? 0
        for (index, line) in lines.enumerated().dropFirst(start) {
            let trimmed = line.drop { $0 == " " || $0 == "\t" }
            if trimmed.hasPrefix("["), title != nil { return nil }
            let bare = trimmed.drop { $0 == "\"" || $0 == "'" || $0 == "[" }
            guard bare.hasPrefix(key) else { continue }
            let next = bare.dropFirst(key.count).first
            if next.map({ " \t=\"'.]".contains($0) }) ?? true { return index + 1 }
        }
        return nil
    }
}

/// Turns the tables of a file into entries, and says where something is wrong.
private struct RoutesReader {
    let path: FilePath
    let lines: RoutesLines

    func entries(_ table: TOMLTable) throws(RoutesFileError) -> [RoutesEntry] {
        for key in table.keys.sorted() where key != "targets" {
            throw flaw("nobody knows the key '\(PlainText.line(key))'; only [targets.\"NAME\"] is known", key, nil)
        }
        guard let value = table["targets"] else { return [] }
        guard let targets = value.table else { throw flaw("'targets' is no table", "targets", nil) }
        var entries: [RoutesEntry] = []
        var taken: [String: String] = [:]
        for title in targets.keys.sorted() {
            guard let fields = targets[title]?.table else { throw flaw("it is no table", title, nil) }
            let entry = try entry(title, fields)
            for alias in entry.aliases {
                if let other = taken.updateValue(title, forKey: alias) {
                    throw flaw("'\(alias)' is an alias of '\(other)' already", "aliases", title)
                }
            }
            entries.append(entry)
        }
        return entries
    }

    private func entry(_ title: String, _ fields: TOMLTable) throws(RoutesFileError) -> RoutesEntry {
        let known = ["aliases", "key", "routes", "trust"]
        for key in fields.keys.sorted() where !known.contains(key) {
            throw flaw(
                "nobody knows the key '\(PlainText.line(key))'; known are \(known.joined(separator: ", "))", key, title)
        }
        return RoutesEntry(
            pattern: try pattern(title), title: title, routes: try routes(fields, title), key: try key(fields, title),
            trust: try trust(fields, title), aliases: try aliases(fields, title))
    }

    private func pattern(_ title: String) throws(RoutesFileError) -> RoutesEntry.Pattern {
        do throws(NameError) {
            if title.hasPrefix("jis:") { return .name(try JISName(parsing: title)) }
            if title == "*" { return .suffix("") }
            guard title.hasPrefix("*.") else { return .host(try HostPart(parsing: title)) }
            let host = try HostPart(parsing: String(title.dropFirst(2)))
            return .suffix("." + host.description)
        } catch {
            throw flaw(error.explanation, nil, title)
        }
    }

    private func routes(_ fields: TOMLTable, _ title: String) throws(RoutesFileError) -> [RoutesEntry.Template] {
        guard let value = fields["routes"] else { return [] }
        guard let list = value.array else { throw flaw("'routes' is no list", "routes", title) }
        var routes: [RoutesEntry.Template] = []
        for item in list {
            let template = try template(item, title)
            if !template.address.contains("{") {
                do throws(NameError) {
                    if let transport = template.transport {
                        _ = try RouteText.route(transport: transport, address: template.address)
                    } else {
                        _ = try RouteText.route(template.address)
                    }
                } catch {
                    throw flaw(error.explanation, "routes", title)
                }
            }
            routes.append(template)
        }
        return routes
    }

    private func template(
        _ item: any TOMLValueConvertible, _ title: String
    ) throws(RoutesFileError) -> RoutesEntry.Template {
        if let text = item.string { return RoutesEntry.Template(transport: nil, address: text) }
        guard let table = item.table, let transport = table["transport"]?.string,
            let address = table["address"]?.string
        else { throw flaw("a route is a text, or { transport = \"…\", address = \"…\" }", "routes", title) }
        for key in table.keys.sorted() where key != "transport" && key != "address" {
            throw flaw("nobody knows the key '\(PlainText.line(key))' of a route", "routes", title)
        }
        return RoutesEntry.Template(transport: transport, address: address)
    }

    private func key(_ fields: TOMLTable, _ title: String) throws(RoutesFileError) -> PublicKey? {
        guard let value = fields["key"] else { return nil }
        guard let key = value.string.flatMap(PublicKey.init(anySpelling:)) else {
            throw flaw("'key' is no Ed25519 key in hexadecimal or base64", "key", title)
        }
        return key
    }

    private func trust(_ fields: TOMLTable, _ title: String) throws(RoutesFileError) -> Double? {
        guard let value = fields["trust"] else { return nil }
        guard let trust = value.double ?? value.int.map({ Double($0) }), (0...1).contains(trust) else {
            throw flaw("'trust' is no number from 0 to 1", "trust", title)
        }
        return trust
    }

    private func aliases(_ fields: TOMLTable, _ title: String) throws(RoutesFileError) -> [String] {
        guard let value = fields["aliases"] else { return [] }
        guard let list = value.array else { throw flaw("'aliases' is no list", "aliases", title) }
        var aliases: [String] = []
        for item in list {
            guard let alias = item.string, !alias.isEmpty, HostPart.isAint(alias) else {
                throw flaw("an alias has a-z, 0-9, '-' and '_' between its dots", "aliases", title)
            }
            aliases.append(alias)
        }
        return aliases
    }

    private func flaw(_ why: String, _ key: String?, _ title: String?) -> RoutesFileError {
        let line = key.map { lines.key($0, of: title) } ?? title.flatMap { lines.header(of: $0) }
        return RoutesFileError(path, line: line ?? title.flatMap { lines.header(of: $0) }, why)
    }
}
