"""Mutations of articles, their workflow and their attributions."""

from __future__ import annotations

import strawberry

from contentql.auth.permissions import Permission
from contentql.editorial import (
    articles,
    attributions,
    corrections,
    owners,
    scheduling,
    tokens,
    trash,
    withdrawals,
    workflow,
    working_copies,
)
from contentql.schema.inputs.articles import (
    CancelScheduledChangeInput,
    ChangeOwnerInput,
    CorrectArticleInput,
    CreateArticleInput,
    CreatePreviewLinkInput,
    PublishArticleInput,
    RestoreRevisionInput,
    ScheduleArticleInput,
    UpdateArticleInput,
    UpdateCorrectionInput,
    UpdateWithdrawalInput,
    WithdrawArticleInput,
)
from contentql.schema.inputs.attributions import (
    AddAttributionInput,
    ReorderAttributionsInput,
    UpdateAttributionInput,
)
from contentql.schema.inputs.base import ArticleTransitionInput
from contentql.schema.inputs.tokens import RevokePreviewLinkInput
from contentql.schema.mutation_field import ARTICLE_ID, DELETED_ID, mutation_field
from contentql.schema.payloads import (
    ArticlePayload,
    AttributionPayload,
    CorrectArticlePayload,
    DeletionPayload,
    PreviewLinkPayload,
)


@strawberry.type
class ArticleMutations:
    create_article: ArticlePayload | None = mutation_field(
        "Creates an article as a draft.",
        input=CreateArticleInput,
        payload=ArticlePayload,
        permission=Permission.EDIT_OWN,
        resolver=articles.create_article,
        example='headline: "Kim Jong-un Sheds a Tear", body: {markdown: "…"}',
    )
    update_article: ArticlePayload | None = mutation_field(
        "Updates an article. The changes of a published article go to a working copy, which is not"
        " public before its publication.",
        input=UpdateArticleInput,
        payload=ArticlePayload,
        permission=Permission.EDIT_OWN,
        resolver=articles.update_article,
        example=f'{ARTICLE_ID}, ifVersion: 3, headline: "Kim weeps"',
    )
    submit_article: ArticlePayload | None = mutation_field(
        "Submits a draft, or the changes of a published article, for review.",
        input=ArticleTransitionInput,
        payload=ArticlePayload,
        permission=Permission.EDIT_OWN,
        resolver=workflow.submit_article,
        example=ARTICLE_ID,
    )
    return_article: ArticlePayload | None = mutation_field(
        "Returns an article in review to its author.",
        input=ArticleTransitionInput,
        payload=ArticlePayload,
        permission=Permission.REVIEW,
        resolver=workflow.return_article,
        example=f'{ARTICLE_ID}, reason: "Which source?"',
    )
    approve_article: ArticlePayload | None = mutation_field(
        "Approves an article in review.",
        input=ArticleTransitionInput,
        payload=ArticlePayload,
        permission=Permission.REVIEW,
        resolver=workflow.approve_article,
        example=ARTICLE_ID,
    )
    schedule_article: ArticlePayload | None = mutation_field(
        "Schedules the publication of an approved article, or of the approved changes of a published one.",
        input=ScheduleArticleInput,
        payload=ArticlePayload,
        permission=Permission.PUBLISH,
        resolver=scheduling.schedule_article,
        example=f'{ARTICLE_ID}, publishAt: "2026-06-30T14:00:00Z"',
    )
    cancel_scheduled_change: ArticlePayload | None = mutation_field(
        "Cancels a scheduled change of a published article. Its content stays in the working copy.",
        input=CancelScheduledChangeInput,
        payload=ArticlePayload,
        permission=Permission.PUBLISH,
        resolver=scheduling.cancel_scheduled_change,
        example='id: "sch_6677889900"',
    )
    publish_article: ArticlePayload | None = mutation_field(
        "Publishes an article, or its changes, immediately.",
        input=PublishArticleInput,
        payload=ArticlePayload,
        permission=Permission.PUBLISH,
        resolver=workflow.publish_article,
        example=ARTICLE_ID,
    )
    unpublish_article: ArticlePayload | None = mutation_field(
        "Unpublishes an article without a notice; the article becomes a draft.",
        input=ArticleTransitionInput,
        payload=ArticlePayload,
        permission=Permission.PUBLISH,
        resolver=workflow.unpublish_article,
        example=ARTICLE_ID,
    )
    withdraw_article: ArticlePayload | None = mutation_field(
        "Withdraws an article that is or was published, and leaves a public notice in its place.",
        input=WithdrawArticleInput,
        payload=ArticlePayload,
        permission=Permission.PUBLISH,
        resolver=withdrawals.withdraw_article,
        example=f'{ARTICLE_ID}, notice: "This report was wrong."',
    )
    update_withdrawal: ArticlePayload | None = mutation_field(
        "Changes or removes the notice of a withdrawn article.",
        input=UpdateWithdrawalInput,
        payload=ArticlePayload,
        permission=Permission.PUBLISH,
        resolver=withdrawals.update_withdrawal,
        example=f'{ARTICLE_ID}, notice: "The report named the wrong person."',
    )
    change_owner: ArticlePayload | None = mutation_field(
        "Gives an article to another account, which may then edit it as its own.",
        input=ChangeOwnerInput,
        payload=ArticlePayload,
        permission=Permission.EDIT_ALL,
        resolver=owners.change_owner,
        example=f'{ARTICLE_ID}, owner: "jane-doe"',
    )
    correct_article: CorrectArticlePayload | None = mutation_field(
        "Publishes a correction of a published article.",
        input=CorrectArticleInput,
        payload=CorrectArticlePayload,
        permission=Permission.PUBLISH,
        resolver=corrections.correct_article,
        example=f'{ARTICLE_ID}, kind: CORRECTION, text: "It was 2024.", before: "in 2023", after: "in 2024"',
        selection="correction { id }",
    )
    update_correction: CorrectArticlePayload | None = mutation_field(
        "Changes the kind or the text of a public correction.",
        input=UpdateCorrectionInput,
        payload=CorrectArticlePayload,
        permission=Permission.PUBLISH,
        resolver=corrections.update_correction,
        example='id: "cor_6677889900", text: "It was 2025."',
        selection="correction { id }",
    )
    delete_correction: DeletionPayload | None = mutation_field(
        "Deletes a public correction. The corrected text stays.",
        input=ArticleTransitionInput,
        payload=DeletionPayload,
        permission=Permission.PUBLISH,
        resolver=corrections.delete_correction,
        example='id: "cor_6677889900"',
        selection=DELETED_ID,
    )
    archive_article: ArticlePayload | None = mutation_field(
        "Archives an article.",
        input=ArticleTransitionInput,
        payload=ArticlePayload,
        permission=Permission.PUBLISH,
        resolver=workflow.archive_article,
        example=ARTICLE_ID,
    )
    delete_article: DeletionPayload | None = mutation_field(
        "Deletes an article. Drafts that were never published require EDIT_OWN or EDIT_ALL, all"
        " other articles PUBLISH.",
        input=ArticleTransitionInput,
        payload=DeletionPayload,
        permission=Permission.EDIT_OWN,
        resolver=trash.delete_article,
        example=ARTICLE_ID,
        selection=DELETED_ID,
    )
    restore_article: ArticlePayload | None = mutation_field(
        "Restores a deleted, archived or withdrawn article as a draft. What a deleted article used and no"
        " longer exists is left out, with a warning.",
        input=ArticleTransitionInput,
        payload=ArticlePayload,
        permission=Permission.PUBLISH,
        resolver=trash.restore_article,
        example=ARTICLE_ID,
    )
    purge_article: DeletionPayload | None = mutation_field(
        "Removes a deleted article with its revisions for ever.",
        input=ArticleTransitionInput,
        payload=DeletionPayload,
        permission=Permission.ADMIN,
        resolver=trash.purge_article,
        example=ARTICLE_ID,
        selection=DELETED_ID,
    )
    restore_revision: ArticlePayload | None = mutation_field(
        "Restores the content of an earlier version as a new version.",
        input=RestoreRevisionInput,
        payload=ArticlePayload,
        permission=Permission.EDIT_OWN,
        resolver=workflow.restore_revision,
        example=f"{ARTICLE_ID}, version: 2",
    )
    discard_working_copy: ArticlePayload | None = mutation_field(
        "Discards the unpublished changes of a published article, which stays public as it is: those after"
        " the last scheduled change, or else that change. The discarded text remains in the revisions.",
        input=ArticleTransitionInput,
        payload=ArticlePayload,
        permission=Permission.EDIT_OWN,
        resolver=working_copies.discard_working_copy,
        example=ARTICLE_ID,
    )
    create_preview_link: PreviewLinkPayload | None = mutation_field(
        "Creates a signed link that shows the current state of one article to readers without a token.",
        input=CreatePreviewLinkInput,
        payload=PreviewLinkPayload,
        permission=Permission.CREATE_PREVIEW_LINKS,
        resolver=tokens.create_preview_link,
        example=ARTICLE_ID,
        selection="url",
    )
    revoke_preview_link: PreviewLinkPayload | None = mutation_field(
        "Revokes a preview link with immediate effect.",
        input=RevokePreviewLinkInput,
        payload=PreviewLinkPayload,
        permission=Permission.CREATE_PREVIEW_LINKS,
        resolver=tokens.revoke_preview_link,
        example='id: "prv_6677889900"',
        selection="revokedAt",
    )
    add_attribution: AttributionPayload | None = mutation_field(
        "Adds an attribution, with the chain of sources that relayed the claim.",
        input=AddAttributionInput,
        payload=AttributionPayload,
        permission=Permission.EDIT_OWN,
        resolver=attributions.add_attribution,
        example='article: "art_90817263545", kind: CITING, source: "south-korean-intelligence",'
        ' via: {kind: ACCORDING_TO, source: "sky-news"}',
    )
    update_attribution: AttributionPayload | None = mutation_field(
        "Updates an attribution, or one hop of its chain.",
        input=UpdateAttributionInput,
        payload=AttributionPayload,
        permission=Permission.EDIT_OWN,
        resolver=attributions.update_attribution,
        example='id: "att_1122334455", kind: SAID',
    )
    accept_attribution: AttributionPayload | None = mutation_field(
        "Accepts a suggested attribution; it becomes public with its article.",
        input=ArticleTransitionInput,
        payload=AttributionPayload,
        permission=Permission.EDIT_OWN,
        resolver=attributions.accept_attribution,
        example='id: "att_1122334455"',
    )
    reject_attribution: AttributionPayload | None = mutation_field(
        "Rejects an attribution or a suggestion, so that it does not become public.",
        input=ArticleTransitionInput,
        payload=AttributionPayload,
        permission=Permission.EDIT_OWN,
        resolver=attributions.reject_attribution,
        example='id: "att_1122334455"',
    )
    delete_attribution: DeletionPayload | None = mutation_field(
        "Deletes an attribution with its chain, or one relay of a chain.",
        input=ArticleTransitionInput,
        payload=DeletionPayload,
        permission=Permission.EDIT_OWN,
        resolver=attributions.delete_attribution,
        example='id: "att_1122334455"',
        selection=DELETED_ID,
    )
    reorder_attributions: ArticlePayload | None = mutation_field(
        "Reorders the attributions of an article.",
        input=ReorderAttributionsInput,
        payload=ArticlePayload,
        permission=Permission.EDIT_OWN,
        resolver=attributions.reorder_attributions,
        example=f'{ARTICLE_ID}, attributions: ["att_2", "att_1"]',
    )
