internal import ArgumentParser
internal import Fabric

/// What is written on an acknowledgement or a heartbeat.
struct ControlOptions: ParsableArguments {
    @OptionGroup var addressee: AddresseeOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The time in the envelope's name: second, minute, date (as the Python peers write it), or a text in one "
                + "of these forms.", valueName: "form"))
    var surfaceTime = "second"

    @Option(name: .long, help: ArgumentHelp("The semantic class of the content.", valueName: "text"))
    var surfaceProfile = "claude"

    /// The surface at `moment`, and everything that sealing wants to know.
    func surface(
        context: String, priority: String, senderName: String, at moment: Timestamp
    ) throws -> (Surface, SealOptions) {
        let surface = try SurfaceBuilder(
            time: .init(asked: surfaceTime), context: context, profile: surfaceProfile, priority: priority
        ).surface(at: moment)
        var options = SealOptions(senderName: senderName)
        options.time = moment
        options.transferID = .generate(at: moment)
        options.surface = ManifestSurface(surface)
        // So small that compressing it would only hide it from those who look.
        options.compression = .none
        try addressee.apply(to: &options)
        return (surface, options)
    }
}

extension SurfaceBuilder.Time {
    /// The form that was asked for on the command line.
    init(asked text: String) {
        self =
            switch text {
            case "second": .second
            case "minute": .minute
            case "date": .date
            default: .text(text)
            }
    }
}
