/// Names of files that are still being written: `.<16 hexadecimal digits>.part`, unique per writer, which every
/// watcher of this family leaves alone (`daemon.md`, section 3).
enum StagingName {
    static func fresh() -> String {
        var generator = SystemRandomNumberGenerator()
        let random = generator.next()
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: random >> UInt64($0 * 8)) }
        return "." + Hex.encode(bytes) + ".part"
    }

    static func isOurs(_ name: String) -> Bool {
        guard name.hasPrefix("."), name.hasSuffix(".part") else { return false }
        return Hex.decode(String(name.dropFirst().dropLast(5)), count: 8) != nil
    }
}
