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
    static func check(_ name: String) throws(EnvelopeError) {
        func refuse(_ reason: String) throws(EnvelopeError) -> Never { throw .unsafeName(name, reason: reason) }
        let bytes = name.utf8
        guard !bytes.isEmpty else { try refuse("is empty") }
        guard bytes.count <= 1024 else { try refuse("is longer than 1024 bytes") }
        for byte in bytes where byte < 0x20 || byte == 0x7f { try refuse("holds a control character") }
        guard !bytes.contains(UInt8(ascii: "\\")) else { try refuse("holds a backslash") }
        for component in bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard !component.isEmpty else { try refuse("has an empty component") }
            guard component.count <= 255 else { try refuse("has a component longer than 255 bytes") }
            guard !component.elementsEqual([0x2e]), !component.elementsEqual([0x2e, 0x2e]) else {
                try refuse("has the component '\(String(decoding: component, as: UTF8.self))'")
            }
        }
    }

    /// Checks all names of one envelope together: each by itself, none twice, none a folder of another.
    static func check(all names: [String]) throws(EnvelopeError) {
        var seen = Set<[UInt8]>()
        for name in names {
            try check(name)
            guard seen.insert(Array(name.utf8)).inserted else { throw .unsafeName(name, reason: "stands twice") }
        }
        for name in names {
            let bytes = Array(name.utf8)
            for index in bytes.indices where bytes[index] == UInt8(ascii: "/") && seen.contains(Array(bytes[..<index]))
            {
                let folder = String(decoding: bytes[..<index], as: UTF8.self)
                throw .unsafeName(folder, reason: "is both a file and a folder")
            }
        }
    }
}
