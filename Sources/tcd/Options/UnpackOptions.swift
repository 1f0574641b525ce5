internal import ArgumentParser
internal import Fabric
internal import SystemPackage

/// What an unattended receiver unpacks, from whom, and how much.
struct UnpackOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Unpack what known senders sent into this directory.", valueName: "dir"))
    var unpack: String?

    @Option(
        name: .long,
        help: ArgumentHelp("The most that one envelope may unpack to.", valueName: "size"))
    var maxUnpacked = "64G"

    @OptionGroup var senders: SenderOptions
    @OptionGroup var receiver: ReceiverOptions
    @OptionGroup var pins: PinOptions

    /// The rules by which arrivals are dealt with. Reads the pins and the identity, so that what cannot be read stops the
    /// command before anything is received.
    ///
    /// - Parameter identity: The identity; nil for that of this host.
    func rules(identity: IdentityDirectory? = nil) throws -> ReceptionRules {
        if senders.fromAnyone, pins.requirePinned {
            throw UsageError("--from-anyone and --require-pinned exclude each other")
        }
        guard let largest = Quantity.parseBytes(maxUnpacked), largest > 0 else {
            throw UsageError("--max-unpacked '\(maxUnpacked)' is not a size", remedy: "write for example 512M or 10G")
        }
        let receiver = try receiver.receiver(identity)
        let senders = try senders.senders(try pins.policy().signers)
        return ReceptionRules(
            target: unpack.map { FilePath($0) }, largestUnpacked: UInt64(largest), pins: pins, receiver: receiver,
            senders: senders)
    }

    /// Says at the start what a person should know of these rules.
    func announce() { senders.announce(unpack == nil ? "taken" : "unpacked") }
}

/// How a receiver deals with what arrives.
struct ReceptionRules {
    /// Where to unpack; nil to leave envelopes as they are.
    let target: FilePath?
    /// The most bytes that one envelope may unpack to.
    let largestUnpacked: UInt64
    private let pins: PinOptions
    private let receiver: TrustPolicy.Receiver
    private let senders: TrustPolicy.Senders

    init(
        target: FilePath?, largestUnpacked: UInt64, pins: PinOptions, receiver: TrustPolicy.Receiver,
        senders: TrustPolicy.Senders
    ) {
        self.target = target
        self.largestUnpacked = largestUnpacked
        self.pins = pins
        self.receiver = receiver
        self.senders = senders
    }

    /// The policy by the pins as they are now.
    func policy() throws -> TrustPolicy {
        var policy = try pins.policy(receiver: receiver)
        policy.senders = senders
        return policy
    }
}
