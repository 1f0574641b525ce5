internal import Fabric

/// Why a far side cannot be used in one of the two ways, by SFTP or by commands.
struct Absence: Equatable {
    /// Follows "the far side …".
    let reason: String
    /// What to do, where more is known than that the way is closed.
    let suggestion: String?

    init(_ reason: String, _ suggestion: String? = nil) {
        self.reason = reason
        self.suggestion = suggestion
    }

    /// A program that ended before it said anything.
    static func ended(_ program: String) -> Absence {
        Absence(
            "ends \(program) at once",
            "look into the far side's log: its program may be missing, or a directory of a chroot have the wrong owner or mode"
        )
    }

    /// Text where a protocol should begin, as start-up files print it.
    static func printed(_ bytes: [UInt8], before what: String) -> Absence {
        Absence(
            "prints '\(excerpt(bytes))' before \(what) begins",
            "keep the start-up files of that account silent where there is no terminal ('[ -t 1 ] || return')")
    }

    /// The first line with something in it, as one that can be shown.
    static func excerpt(_ bytes: [UInt8]) -> String {
        let lines = String(decoding: bytes.prefix(1024), as: UTF8.self).split(whereSeparator: \.isNewline)
        let line = lines.first { $0.contains { !$0.isWhitespace } } ?? ""
        return String(line.prefix(80))
    }
}
