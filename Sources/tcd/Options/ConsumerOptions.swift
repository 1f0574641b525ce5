internal import ArgumentParser
internal import Fabric
internal import SystemPackage

/// Where what a consumer fetches goes, and when it stops.
struct ConsumerOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Put what comes into this directory.", valueName: "dir"))
    var inbox: String

    @Option(name: .long, help: ArgumentHelp("Stop after so many valid envelopes; 0 for no end.", valueName: "n"))
    var count = 0

    @Option(name: .long, help: ArgumentHelp("Stop after this time; 0 to go on for ever.", valueName: "time"))
    var duration: TimeSpan = 0

    @Option(name: .long, help: ArgumentHelp("How much disk to leave free.", valueName: "size"))
    var diskReserve = "256M"

    @OptionGroup var unpacking: UnpackOptions

    /// Refuses what can be refused before anything is done.
    func check() throws {
        // Pins that cannot be read stop everything, also before an identity is made.
        _ = try unpacking.pins.policy()
        guard count >= 0 else { throw UsageError("--count must not be less than 0") }
        _ = try Seconds.limit(duration, of: "--duration")
        _ = try reserve()
    }

    /// The disk reserve in bytes.
    func reserve() throws -> Int64 {
        guard let size = Quantity.parseBytes(diskReserve) else {
            throw UsageError("--disk-reserve '\(diskReserve)' is not a size", remedy: "write for example 512M or 10G")
        }
        return size
    }
}
