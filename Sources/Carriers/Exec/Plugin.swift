internal import Glibc

/// A program that carries envelopes, and where it lies.
public struct Plugin: Sendable, Hashable {
    /// The name: what follows `tcd-carrier-` in the file's name, and the scheme of its routes.
    public let name: String
    /// The absolute path of the program.
    public let path: String

    /// What the files of plug-ins begin with.
    public static let prefix = "tcd-carrier-"

    /// A plug-in at a known place; nil when its name cannot be one.
    public init?(name: String, path: String) {
        guard Self.isName(name), path.hasPrefix("/"), !path.utf8.contains(0) else { return nil }
        self.name = name
        self.path = path
    }

    /// Whether `text` can be the name of a plug-in: 1 to 32 of `a` to `z`, `0` to `9` and `-`, with no hyphen in front.
    public static func isName(_ text: String) -> Bool {
        let bytes = text.utf8
        return (1...32).contains(bytes.count) && bytes.first != UInt8(ascii: "-")
            && bytes.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
            }
    }
}

/// The directories in which plug-ins are looked for, in order.
///
/// Those of `TIBET_CARRIER_PATH` come before those of `PATH`; both are lists separated by colons. Entries that are not
/// absolute are left out: what is started must not depend on the directory that one happens to be in.
public struct PluginPath: Sendable {
    /// The directories.
    public let directories: [String]

    /// The directories named by `environment`.
    public init(environment: [String: String]) {
        directories = ["TIBET_CARRIER_PATH", "PATH"].flatMap { name in
            (environment[name] ?? "").split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
        }
    }

    /// The plug-in `name`: the first executable file of its name; nil when there is none.
    public func plugin(named name: String) -> Plugin? {
        guard Plugin.isName(name) else { return nil }
        for directory in directories {
            let path = directory + "/" + Plugin.prefix + name
            if Self.isProgram(path) { return Plugin(name: name, path: path) }
        }
        return nil
    }

    /// Every plug-in that would be found by its name, sorted by name.
    public func plugins() -> [Plugin] {
        let names = directories.flatMap(Self.names).filter { $0.hasPrefix(Plugin.prefix) }
            .map { String($0.dropFirst(Plugin.prefix.count)) }
        return Set(names).sorted().compactMap { plugin(named: $0) }
    }

    private static func isProgram(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    private static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names
    }
}
