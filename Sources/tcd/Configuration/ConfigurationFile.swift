internal import Fabric
internal import FoundationEssentials
internal import Glibc
internal import SystemPackage
internal import TOMLKit

/// `tcd.toml`: settings by section, read once when a command starts.
struct ConfigurationFile {
    /// Where it is.
    let path: String
    /// What it sets: keys as in `Setting.key`, values as the variable would hold them.
    let values: [String: String]

    /// The file of this process: `TIBET_CONFIG`, else the user's, else the host's; nil when there is none.
    ///
    /// - Throws: `ConfigurationError` for one that cannot be read, is not TOML, or sets what nobody knows.
    static func find(environment: [String: String]) throws -> ConfigurationFile? {
        if let named = environment["TIBET_CONFIG"], !named.isEmpty { return try ConfigurationFile(path: named) }
        guard let path = places(environment).first(where: { access($0, F_OK) == 0 }) else { return nil }
        return try ConfigurationFile(path: path)
    }

    /// Where files are looked for, in order, by the XDG base directory rules.
    private static func places(_ environment: [String: String]) -> [String] {
        let base = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        let home = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 + "/.config" : nil }
        return [base ?? home, "/etc"].compactMap { $0.map { $0 + "/tibet/tcd.toml" } }
    }

    /// A file of settings is small; what is not is something else.
    private static let largest = 1 << 20

    init(path: String) throws {
        self.path = path
        guard let data = FileManager.default.contents(atPath: path), data.count <= Self.largest else {
            throw ConfigurationError(path, "it cannot be read", remedy: "check the path and its permissions")
        }
        guard let text = String(bytes: data, encoding: .utf8) else { throw ConfigurationError(path, "it is not UTF-8") }
        let table: TOMLTable
        do {
            table = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            let place = error.source.begin
            throw ConfigurationError("\(path):\(place.line):\(place.column)", error.description)
        }
        values = try Self.values(in: table, path)
    }

    private static func values(in table: TOMLTable, _ path: String) throws -> [String: String] {
        var values: [String: String] = [:]
        for section in table.keys {
            guard let entries = table[section]?.table else {
                throw unknown(section, path)
            }
            for name in entries.keys {
                let key = section + "." + name
                guard Setting.all.contains(where: { $0.key == key }) else { throw unknown(key, path) }
                guard let value = entries[name].flatMap(text) else {
                    throw ConfigurationError(path, "'\(key)' is neither text, number, true, false nor a list of texts")
                }
                guard !value.utf8.contains(0) else { throw ConfigurationError(path, "'\(key)' holds a NUL") }
                values[key] = value
            }
        }
        return values
    }

    private static func unknown(_ key: String, _ path: String) -> ConfigurationError {
        ConfigurationError(path, "there is no setting '\(key)'", remedy: "see 'tcd config explain' for all of them")
    }

    /// A value as a variable would hold it.
    private static func text(_ value: any TOMLValueConvertible) -> String? {
        switch value.type {
        case .string: value.string
        case .int: value.int.map { String($0) }
        case .double: value.double.map { String($0) }
        case .bool: value.bool.map { $0 ? "1" : "0" }
        case .array: list(value.array)
        default: nil
        }
    }

    private static func list(_ array: TOMLArray?) -> String? {
        guard let array else { return nil }
        let texts = array.map { $0.string }
        guard texts.allSatisfy({ $0 != nil }) else { return nil }
        return texts.compactMap(\.self).joined(separator: ",")
    }
}

/// A configuration file that cannot be used.
struct ConfigurationError: ExplainedError {
    let explanation: String
    let remedy: String?

    init(_ place: String, _ reason: String, remedy: String? = nil) {
        explanation = "the configuration '\(place)' cannot be used: \(reason)"
        self.remedy = remedy ?? "mend the file, or name another with TIBET_CONFIG"
    }

    var category: FailureCategory { .configuration }
}
