internal import CLinux
internal import Glibc
internal import SystemPackage

/// A directory on its way into an envelope, as one tar or as one block per file.
struct SealedDirectory {
    let source: Source
    let options: SealOptions
    let key: SigningKey
    let progress: @Sendable (_ done: Int64, _ expected: Int64?) -> Void

    /// What a first walk found.
    private struct Survey {
        var plan: [EnvelopeBuilder.Plan] = []
        var tarBytes: Int64 = 1024
        var leftOut: [String] = []
        var outsideLinks: [String] = []
    }

    func seal(to file: OwnedFile) throws(EnvelopeError) -> SealReport {
        let root = try EnvelopeError.wrapping { () throws(SystemFailure) in
            try OwnedFile(path: FilePath(source.path), flags: O_RDONLY | O_DIRECTORY)
        }
        let own = try EnvelopeError.wrapping { () throws(SystemFailure) in try file.status() }
        let survey = try survey(root, without: own)
        var report =
            options.layout == .tar
            ? try sealTar(root, survey, to: file, without: own) : try sealFiles(root, survey, to: file)
        report.leftOut = survey.leftOut
        report.outsideLinks = options.layout == .tar ? survey.outsideLinks : []
        return report
    }

    /// Looks at everything once, so that the room for the manifest and the progress are known.
    ///
    /// - Parameter own: The envelope that is being written, which may lie in the directory itself.
    private func survey(_ root: OwnedFile, without own: stat) throws(EnvelopeError) -> Survey {
        var survey = Survey()
        let top = Array(source.name.utf8)
        try DirectoryWalk.visit(root, wrapping: EnvelopeError.system) { entry throws(EnvelopeError) in
            guard !entry.is(own) else { return }
            let mode = entry.status.st_mode
            let shown = String(decoding: entry.path, as: UTF8.self)
            let depth = 2 + entry.path.count { $0 == UInt8(ascii: "/") }
            guard depth <= EnvelopeLimits.pathDepth, top.count + 1 + entry.path.count <= EnvelopeLimits.pathBytes else {
                throw .unusableInput(shown, reason: "it lies too deep for any receiver to unpack")
            }
            // A header, a pax header with its record, and the content in full 512-byte blocks.
            survey.tarBytes += 512 + 1024 + Int64(entry.path.count / 512 * 512)
            if tibet_is_symlink(mode) {
                let target = try EnvelopeError.wrapping { () throws(SystemFailure) in try entry.linkTarget() }
                if !LinkRule.staysInside(target, link: top + [UInt8(ascii: "/")] + entry.path) {
                    survey.outsideLinks.append(shown)
                }
                try planLinked(entry, into: &survey)
            } else if tibet_is_regular(mode) {
                survey.tarBytes += (Int64(entry.status.st_size) + 511) / 512 * 512
                try plan(entry, size: Int64(entry.status.st_size), into: &survey)
            } else if !tibet_is_directory(mode) {
                survey.leftOut.append(shown)
            }
        }
        return survey
    }

    private func plan(_ entry: DirectoryWalk.Entry, size: Int64, into survey: inout Survey) throws(EnvelopeError) {
        guard options.layout == .files else { return }
        guard let name = String(validating: entry.path, as: UTF8.self) else {
            throw .unusableInput(
                String(decoding: entry.path, as: UTF8.self), reason: "its name is not UTF-8; use the layout tar")
        }
        try BlockName.check(name)
        survey.plan.append(.init(name: name, size: size))
    }

    /// In the peers' layout a link to a file is packed as that file (`envelope.md`, section 6).
    private func planLinked(_ entry: DirectoryWalk.Entry, into survey: inout Survey) throws(EnvelopeError) {
        guard options.layout == .files else { return }
        var status = stat()
        guard fstatat(entry.folder.descriptor, entry.name, &status, 0) == 0, tibet_is_regular(status.st_mode) else {
            return
        }
        try plan(entry, size: Int64(status.st_size), into: &survey)
    }

    // MARK: - As one tar

    private func sealTar(
        _ root: OwnedFile, _ survey: Survey, to file: OwnedFile, without own: stat
    ) throws(EnvelopeError) -> SealReport {
        let content = source.name + ".tar"
        try BlockName.check(content)
        var options = options
        options.contentLayout = .tar
        options.fitBlockSize(to: survey.tarBytes)
        let builder = try EnvelopeBuilder(
            file: file, options: options, plan: [.init(name: content, size: survey.tarBytes)])
        builder.begin(content)
        try ThreadLocale.utf8.run { () throws(EnvelopeError) in
            let tar = try TarWriter(into: builder)
            try tar.run { () throws(EnvelopeError) in try addAll(root, to: tar, builder: builder, survey, without: own)
            }
        }
        try builder.end()
        return try builder.report(signedBy: key)
    }

    private func addAll(
        _ root: OwnedFile, to tar: TarWriter, builder: EnvelopeBuilder, _ survey: Survey, without own: stat
    ) throws(EnvelopeError) {
        let top = Array(source.name.utf8) + [UInt8(ascii: "/")]
        try tar.add(path: top, status: source.status)
        try DirectoryWalk.visit(root, wrapping: EnvelopeError.system) { entry throws(EnvelopeError) in
            guard !entry.is(own) else { return }
            let mode = entry.status.st_mode
            let path = top + entry.path
            if tibet_is_directory(mode) {
                try tar.add(path: path + [UInt8(ascii: "/")], status: entry.status)
            } else if tibet_is_symlink(mode) {
                let target = try EnvelopeError.wrapping { () throws(SystemFailure) in try entry.linkTarget() }
                try tar.add(path: path, status: entry.status, linkTarget: target)
            } else if tibet_is_regular(mode) {
                let opened = try EnvelopeError.wrapping { () throws(SystemFailure) in try entry.open() }
                try tar.add(path: path, status: entry.status) { room, position throws(SystemFailure) in
                    try opened.read(into: room, at: position)
                }
                try builder.noteGrowth(
                    of: opened, beyond: Int64(entry.status.st_size), name: String(decoding: entry.path, as: UTF8.self))
            }
            progress(builder.contentBytes, survey.tarBytes)
        }
    }

    // MARK: - As files

    private func sealFiles(_ root: OwnedFile, _ survey: Survey, to file: OwnedFile) throws(EnvelopeError) -> SealReport
    {
        guard !survey.plan.isEmpty else { throw .unusableInput(source.path, reason: "there are no files in it") }
        var options = options
        options.contentLayout = .files
        let total = survey.plan.reduce(0) { $0 + $1.size }
        options.fitBlockSize(to: total)
        let builder = try EnvelopeBuilder(file: file, options: options, plan: survey.plan)
        for content in survey.plan {
            let opened = try EnvelopeError.wrapping { () throws(SystemFailure) in
                try OwnedFile(content.name, in: root, flags: O_RDONLY)
            }
            let (report, before) = (progress, builder.contentBytes)
            try builder.add(content.name, from: opened, size: content.size) { report(before + $0, total) }
        }
        return try builder.report(signedBy: key)
    }
}
