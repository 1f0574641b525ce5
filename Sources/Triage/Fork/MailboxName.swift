/// Names of mailboxes (`ipoll.md`, section 1).
package enum MailboxName {
    /// The name as hubs compare it: without white space around it, lower case, without one `.aint` at its end.
    package static func normalized(_ name: String) -> String {
        let name = name.trimmed.lowercased()
        return name.hasSuffix(".aint") ? String(name.dropLast(5)) : name
    }

    /// Whether a mailbox can be called so; a text like `host:who` is somebody, and no mailbox.
    package static func isPlain(_ name: String) -> Bool {
        let name = normalized(name)
        guard (1...253).contains(name.utf8.count) else { return false }
        return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty
                && label.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                        UInt8(ascii: "_"),
                        UInt8(ascii: "-"):
                        true
                    default: false
                    }
                }
        }
    }
}
