package import Fabric
package import SystemPackage

/// The messages of one mailbox that were dealt with, on stable storage: what a server without leases gives again is so
/// dealt with once (`ipoll.md`, section 4). Several processes may use one set. All calls block.
package struct SeenPolls: Sendable {
    /// How long messages are remembered, in days: longer than any server keeps them (`ipoll.md`, section 6).
    package static let daysKept: Int64 = 31

    private let book: DayBook

    /// Opens the set of what was read in the mailbox `mailbox` of `server` below `directory`.
    package init(in directory: FilePath, server: String, mailbox: String, at moment: Timestamp = .now()) {
        // The server's address may hold what a file name cannot.
        let name = Digest(of: Array((server + "\n" + mailbox).utf8)).hex
        book = DayBook(directory: directory.appending(name), keeping: Self.daysKept, at: moment)
    }

    /// Whether the message with that id was dealt with, by anybody on this machine.
    package func contains(_ id: String) -> Bool { book.isRemembered(id) }

    /// Remembers that the message was dealt with. On return that is on stable storage.
    package func remember(_ id: String, at moment: Timestamp = .now()) throws(SystemFailure) {
        try book.remember(id, at: moment)
    }
}
