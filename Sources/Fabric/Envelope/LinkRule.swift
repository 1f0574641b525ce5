/// Which symbolic links may be made from an archive.
enum LinkRule {
    /// Whether a link at the relative path `link` that points to `target` stays in the first folder of its path, however
    /// the other links there may be laid.
    ///
    /// The target must be relative, and may climb only at its beginning: `..` after a name could pass through another
    /// link and come out elsewhere than it reads.
    static func staysInside(_ target: [UInt8], link: [UInt8]) -> Bool {
        let slash = UInt8(ascii: "/")
        guard let first = target.first, first != slash, !target.contains(0) else { return false }
        var depth = link.split(separator: slash).count - 1
        var climbing = true
        for component in target.split(separator: slash) {
            if component.elementsEqual([0x2e]) { continue }
            guard component.elementsEqual([0x2e, 0x2e]) else {
                climbing = false
                continue
            }
            guard climbing else { return false }
            depth -= 1
            guard depth >= 1 else { return false }
        }
        return true
    }
}
