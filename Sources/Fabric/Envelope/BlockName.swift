/// The rules for names inside an envelope that are to become file names (`envelope.md`, section 12).
public enum BlockName {
    /// What is wrong with `name` as the name of a content, for example `holds a backslash`; nil if nothing is.
    public static func problem(with name: String) -> String? {
        do throws(EnvelopeError) {
            try check(name)
            return nil
        } catch {
            guard case .unsafeName(_, let reason) = error else { return error.explanation }
            return reason
        }
    }

    /// Checks one name: a relative path of 1 to 1024 bytes in UTF-8 whose components are 1 to 255 bytes, none of them
    /// `.` or `..`, without control characters and backslashes.
    ///
    /// - Parameter boundsLength: Whether it becomes the name of a file here; otherwise it may have any length.
    static func check(_ name: String, boundsLength: Bool = true) throws(EnvelopeError) {
        func refuse(_ reason: String) throws(EnvelopeError) -> Never { throw .unsafeName(name, reason: reason) }
        let bytes = name.utf8
        guard !bytes.isEmpty else { try refuse("is empty") }
        guard bytes.count <= 1024 || !boundsLength else { try refuse("is longer than 1024 bytes") }
        for byte in bytes where byte < 0x20 || byte == 0x7f { try refuse("holds a control character") }
        guard !bytes.contains(UInt8(ascii: "\\")) else { try refuse("holds a backslash") }
        for component in bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard !component.isEmpty else { try refuse("has an empty component") }
            guard component.count <= 255 || !boundsLength else { try refuse("has a component longer than 255 bytes") }
            guard !component.elementsEqual([0x2e]), !component.elementsEqual([0x2e, 0x2e]) else {
                try refuse("has the component '\(String(decoding: component, as: UTF8.self))'")
            }
        }
    }

    /// Checks all names of one envelope together: each by itself, none twice, none a folder of another. The work is
    /// proportional to the bytes of the names.
    static func check(all names: [String], boundsLength: Bool = true) throws(EnvelopeError) {
        var marks = PathMarks()
        for (position, name) in names.enumerated() {
            try check(name, boundsLength: boundsLength)
            guard marks.insert(name, at: position, among: names) else {
                throw .unsafeName(name, reason: "stands twice")
            }
        }
        for name in names {
            if let folder = marks.folder(of: name, among: names) {
                throw .unsafeName(folder, reason: "is both a file and a folder")
            }
        }
    }

    /// Finds names, and names that are folders of others, by a number for each prefix that goes on from the one before.
    private struct PathMarks {
        private static let prime: UInt64 = (1 << 61) - 1
        /// Chosen anew each time, so that a sender cannot choose names of one number.
        private let factor = UInt64.random(in: (1 << 32)..<PathMarks.prime)
        private var positions: [UInt64: Int] = [:]

        /// Whether the name is a new one.
        mutating func insert(_ name: String, at position: Int, among names: [String]) -> Bool {
            var mark: UInt64 = 0
            for byte in name.utf8 { mark = next(mark, byte) }
            if let earlier = positions[mark] { return !names[earlier].utf8.elementsEqual(name.utf8) }
            positions[mark] = position
            return true
        }

        /// The name that is a folder of `name`; nil when there is none.
        func folder(of name: String, among names: [String]) -> String? {
            var mark: UInt64 = 0
            var count = 0
            for byte in name.utf8 {
                if byte == UInt8(ascii: "/"), let position = positions[mark] {
                    let folder = names[position]
                    if folder.utf8.elementsEqual(name.utf8.prefix(count)) { return folder }
                }
                mark = next(mark, byte)
                count += 1
            }
            return nil
        }

        private func next(_ mark: UInt64, _ byte: UInt8) -> UInt64 {
            let (high, low) = mark.multipliedFullWidth(by: factor)
            // A product of 122 bits modulo 2^61 - 1: its upper 61 bits and its lower ones added.
            let sum = (low & Self.prime) + (high << 3 | low >> 61) + UInt64(byte) + 1
            return sum % Self.prime
        }
    }
}
