/// Which symbolic links may be made from an archive.
enum LinkRule {
    /// Whether a link at the relative path `link` that points to `target` stays in the first folder of its path, however
    /// the other links there may be laid.
    ///
    /// The target must be relative. Where it climbs after a name, that name must be a folder and not a link, which could
    /// lead elsewhere than it reads.
    ///
    /// - Parameter isFolder: Whether there is a folder at a path, reached through folders alone.
    static func staysInside(
        _ target: [UInt8], link: [UInt8], isFolder: ([UInt8]) -> Bool = { _ in false }
    ) -> Bool {
        let slash = UInt8(ascii: "/")
        guard let first = target.first, first != slash, !target.contains(0) else { return false }
        var way = Array(link.split(separator: slash).dropLast())
        var descended = 0
        for component in target.split(separator: slash) {
            if component.elementsEqual([0x2e]) { continue }
            guard component.elementsEqual([0x2e, 0x2e]) else {
                way.append(component)
                descended += 1
                continue
            }
            guard way.count >= 2 else { return false }
            if descended > 0 {
                guard isFolder(Array(way.joined(separator: [slash]))) else { return false }
                descended -= 1
            }
            way.removeLast()
        }
        return true
    }
}
