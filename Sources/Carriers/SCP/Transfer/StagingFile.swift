internal import CSSH2
internal import Fabric
internal import Glibc

/// The name of a file that is still being written: `.<name>.<digest>-<sender>.part`, and `….<digest>-<sender>-<n>.part` for
/// the second and further of the same bytes at once (`StagingSlot`).
///
/// Watchers of this family leave such files alone (`daemon.md`, section 3). Digest and sender are in it so that an
/// interrupted delivery is found again, by its own sender, and nobody writes into the file of another.
enum StagingFile {
    static func name(for envelope: SealedEnvelope, slot: Int = 0) -> String {
        let number = slot == 0 ? "" : "-\(slot)"
        return ".\(envelope.name.text).\(envelope.digest.hex.prefix(16))-\(sender)\(number).part"
    }

    /// A name that nobody has.
    static func fresh() -> String {
        var generator = SystemRandomNumberGenerator()
        return ".probe-\(String(generator.next(), radix: 36)).part"
    }

    /// Eight digits that stay the same for this user of this machine.
    private static let sender: String = {
        let machine = String(decoding: machineID(), as: UTF8.self)
        return Digest(of: Array("\(HostName.current)\n\(machine)\n\(getuid())".utf8)).shortHex
    }()

    private static func machineID() -> [UInt8] {
        let number = open("/etc/machine-id", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return [] }
        let owner = Descriptor(number)
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(owner.number, &buffer, buffer.count)
        return Array(buffer.prefix(max(0, count)))
    }
}
